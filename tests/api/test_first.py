def test_x(anyone): 
    print(anyone, anyone.get("/rest/v1/ports").text[:3000])
    print(anyone.get("/rest/v1/ships?select=*,papers(*),sailors(*)").text[:300])

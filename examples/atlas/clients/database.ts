// The API's types for any signed-in caller.
// Made by `backstay generate typescript`: run it again instead of editing.

export type Json =
  | string
  | number
  | boolean
  | null
  | { [key: string]: Json | undefined }
  | Json[]

export type Database = {
  __InternalSupabase: {
    PostgrestVersion: "14"
  }
  public: {
    Tables: {
      /** An airport by its ICAO code. Elevation in feet, latitude and longitude in degrees, `tz` of the IANA database. */
      airports: {
        Row: {
          icao: string
          iata: string | null
          name: string
          city: string | null
          country_code: string
          subdivision: string | null
          elevation: number | null
          lat: number
          lon: number
          tz: string
        }
        Insert: {
          icao: string
          iata?: string | null
          name: string
          city?: string | null
          country_code: string
          subdivision?: string | null
          elevation?: number | null
          lat: number
          lon: number
          tz: string
        }
        Update: {
          icao?: string
          iata?: string | null
          name?: string
          city?: string | null
          country_code?: string
          subdivision?: string | null
          elevation?: number | null
          lat?: number
          lon?: number
          tz?: string
        }
        Relationships: [
          {
            foreignKeyName: "airports_country_code_fkey"
            columns: ["country_code"]
            isOneToOne: false
            referencedRelation: "countries"
            referencedColumns: ["code"]
          },
        ]
      }
      /** A country. `code` is its two letters in ISO 3166-1, `alpha3` the three, `numeric` the three digits. */
      countries: {
        Row: {
          code: string
          alpha3: string
          numeric: string | null
          name: string
          official_name: string | null
          flag: string | null
        }
        Insert: {
          code: string
          alpha3: string
          numeric?: string | null
          name: string
          official_name?: string | null
          flag?: string | null
        }
        Update: {
          code?: string
          alpha3?: string
          numeric?: string | null
          name?: string
          official_name?: string | null
          flag?: string | null
        }
        Relationships: []
      }
      /** What somebody thinks of an airport. `rating` goes from 1 to 5. */
      reviews: {
        Row: {
          id: string
          airport_code: string
          author_id: string | null
          rating: number
          text: string | null
          created_at: string
        }
        Insert: {
          id?: string
          airport_code: string
          author_id?: string
          rating: number
          text?: string | null
          created_at?: string
        }
        Update: {
          id?: string
          airport_code?: string
          author_id?: string
          rating?: number
          text?: string | null
          created_at?: string
        }
        Relationships: [
          {
            foreignKeyName: "reviews_airport_code_fkey"
            columns: ["airport_code"]
            isOneToOne: false
            referencedRelation: "airports"
            referencedColumns: ["icao"]
          },
        ]
      }
      /** Part of a country, or of a larger part. `code` is that of ISO 3166-2, such as `DE-BY`. */
      subdivisions: {
        Row: {
          code: string
          name: string
          type: string
          country_code: string
          parent_code: string | null
        }
        Insert: {
          code: string
          name: string
          type: string
          country_code: string
          parent_code?: string | null
        }
        Update: {
          code?: string
          name?: string
          type?: string
          country_code?: string
          parent_code?: string | null
        }
        Relationships: [
          {
            foreignKeyName: "subdivisions_country_code_fkey"
            columns: ["country_code"]
            isOneToOne: false
            referencedRelation: "countries"
            referencedColumns: ["code"]
          },
          {
            foreignKeyName: "subdivisions_parent_code_fkey"
            columns: ["parent_code"]
            isOneToOne: false
            referencedRelation: "subdivisions"
            referencedColumns: ["code"]
          },
        ]
      }
      /** A journey to an airport, for some nights from a day on. Private unless its owner makes it public. */
      trips: {
        Row: {
          id: string
          owner_id: string
          airport_code: string
          title: string | null
          starts_on: string
          nights: number | null
          public: boolean
          cost: number | null
          notes: string | null
          created_at: string
        }
        Insert: {
          id?: string
          owner_id?: string
          airport_code: string
          title?: string | null
          starts_on?: string
          nights?: number | null
          public?: boolean
          cost?: number | null
          notes?: string | null
          created_at?: string
        }
        Update: {
          id?: string
          owner_id?: string
          airport_code?: string
          title?: string | null
          starts_on?: string
          nights?: number | null
          public?: boolean
          cost?: number | null
          notes?: string | null
          created_at?: string
        }
        Relationships: [
          {
            foreignKeyName: "trips_airport_code_fkey"
            columns: ["airport_code"]
            isOneToOne: false
            referencedRelation: "airports"
            referencedColumns: ["icao"]
          },
        ]
      }
    }
    Views: {
      [_ in never]: never
    }
    Functions: {
      /** Show a trip to everyone. Only its owner can, and only until it is over. */
      "trips.publish": {
        Args: {
          trip_id: string
        }
        Returns: Database["public"]["Tables"]["trips"]["Row"]
      }
      /** Trips that start in the next days, the soonest first, as far as the caller may read them. */
      "trips.upcoming": {
        Args: {
          days?: number
        }
        Returns: Database["public"]["Tables"]["trips"]["Row"][]
      }
    }
    Enums: {
      [_ in never]: never
    }
    CompositeTypes: {
      [_ in never]: never
    }
  }
}

type Public = Database["public"]

export type Tables<Name extends keyof Public["Tables"]> =
  Public["Tables"][Name]["Row"]
export type TablesInsert<Name extends keyof Public["Tables"]> =
  Public["Tables"][Name]["Insert"]
export type TablesUpdate<Name extends keyof Public["Tables"]> =
  Public["Tables"][Name]["Update"]
export type Enums<Name extends keyof Public["Enums"]> = Public["Enums"][Name]
export type CompositeTypes<Name extends keyof Public["CompositeTypes"]> =
  Public["CompositeTypes"][Name]

export const Constants = {
  public: {
    Enums: {},
  },
} as const

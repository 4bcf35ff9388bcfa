// @supabase/auth-js, as it is published, against a served application.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { URI } from 'otpauth'
import { PASSWORD, newAddress, admin, client, mail, user } from './world.mjs'

const OTHER = 'another long enough phrase'

function good({ data, error }) {
  assert.equal(error, null)
  return data
}

function refused({ error }, code, status) {
  assert.equal(error?.code, code)
  if (status) assert.equal(error.status, status)
}

test('sign-up, confirmation, sign-in', async () => {
  const email = newAddress()
  const auth = client()
  const made = good(await auth.signUp({ email, password: PASSWORD, options: { data: { name: 'Ann' } } }))
  assert.equal(made.session, null)
  assert.equal(made.user.email, email)
  refused(await auth.signInWithPassword({ email, password: PASSWORD }), 'email_not_confirmed', 400)
  const { code } = await mail(email)
  const { session } = good(await auth.verifyOtp({ email, token: code, type: 'signup' }))
  assert.equal(session.user.user_metadata.name, 'Ann')
  refused(await auth.verifyOtp({ email, token: code, type: 'signup' }), 'otp_expired', 403)
  assert.equal(good(await client().signInWithPassword({ email, password: PASSWORD })).user.email, email)
  refused(await client().signInWithPassword({ email, password: OTHER }), 'invalid_credentials', 400)
})

test('errors by code', async () => {
  const { email } = await user()
  const weak = await client().signUp({ email: newAddress(), password: 'short' })
  refused(weak, 'weak_password', 422)
  assert.deepEqual(weak.error.reasons, ['length'])
  const again = good(await client().signUp({ email, password: PASSWORD }))
  assert.equal(again.session, null)
  refused(await admin().createUser({ email }), 'email_exists', 422)
  refused(await admin().getUserById('5e0c6a0e-0000-4000-8000-000000000000'), 'user_not_found', 404)
  refused(await client().refreshSession({ refresh_token: 'nothing' }), 'refresh_token_not_found', 400)
  refused(await client().verifyOtp({ token_hash: 'x'.repeat(43), type: 'email' }), 'otp_expired', 403)
  refused(await client().getUser('a.b.c'), 'bad_jwt', 403)
})

test('sessions are refreshed, set and proven by the public keys', async () => {
  const { auth } = await user()
  const before = (await auth.getSession()).data.session
  const { session } = good(await auth.refreshSession())
  assert.notEqual(session.refresh_token, before.refresh_token)
  good(await client().setSession(session))
  const { claims, header } = good(await auth.getClaims())
  assert.equal(header.alg, 'ES256')
  assert.equal(claims.role, 'authenticated')
  assert.equal(claims.aal, 'aal1')
})

test('an account is changed by its owner', async () => {
  const { auth, email, seen } = await user()
  assert.equal(good(await auth.updateUser({ data: { city: 'Bern' } })).user.user_metadata.city, 'Bern')
  refused(await auth.updateUser({ password: PASSWORD }), 'same_password', 422)
  good(await auth.reauthenticate())
  const { code } = await mail(email, seen)
  good(await auth.updateUser({ password: OTHER, nonce: code }))
  good(await client().signInWithPassword({ email, password: OTHER }))
  const fresh = newAddress()
  assert.equal(good(await auth.updateUser({ email: fresh })).user.new_email, fresh)
})

test('PKCE: a link that ends in a code', async () => {
  const email = newAddress()
  const auth = client({ flowType: 'pkce' })
  good(await auth.signUp({ email, password: PASSWORD }))
  const { link } = await mail(email)
  const answer = await fetch(link, { redirect: 'manual' })
  assert.equal(answer.status, 303)
  const code = new URL(answer.headers.get('location')).searchParams.get('code')
  assert.equal(good(await auth.exchangeCodeForSession(code)).user.email, email)
})

test('PKCE: a letter that is sent once more ends in a code, too', async () => {
  const email = newAddress()
  const seen = new Set()
  const auth = client({ flowType: 'pkce' })
  good(await auth.signUp({ email, password: PASSWORD }))
  await mail(email, seen)
  good(await auth.resend({ type: 'signup', email }))
  const { link } = await mail(email, seen)
  const location = (await fetch(link, { redirect: 'manual' })).headers.get('location')
  good(await auth.exchangeCodeForSession(new URL(location).searchParams.get('code')))
})

test('one-time codes and recovery', async () => {
  const { auth, email, seen } = await user()
  good(await client().signInWithOtp({ email }))
  const otp = await mail(email, seen)
  good(await client().verifyOtp({ email, token: otp.code, type: 'email' }))
  good(await auth.resetPasswordForEmail(email))
  const recovery = await mail(email, seen)
  const token = new URL(recovery.link).searchParams.get('token')
  const other = client()
  good(await other.verifyOtp({ token_hash: token, type: 'recovery' }))
  good(await other.updateUser({ password: OTHER }))
  good(await client().signInWithOtp({ email: newAddress() }))
  good(await client().resend({ type: 'signup', email }))
})

test('a second factor', async () => {
  const { auth } = await user()
  const factor = good(await auth.mfa.enroll({ factorType: 'totp', friendlyName: 'phone' }))
  assert.match(factor.totp.qr_code, /^data:image\/svg\+xml/)
  const totp = URI.parse(factor.totp.uri)
  const challenge = good(await auth.mfa.challenge({ factorId: factor.id }))
  const wrong = { factorId: factor.id, challengeId: challenge.id, code: '000000' }
  refused(await auth.mfa.verify(wrong), 'mfa_verification_failed', 422)
  good(await auth.mfa.verify({ ...wrong, code: totp.generate() }))
  const level = good(await auth.mfa.getAuthenticatorAssuranceLevel())
  assert.deepEqual([level.currentLevel, level.nextLevel], ['aal2', 'aal2'])
  assert.equal(good(await auth.mfa.listFactors()).totp.length, 1)
  good(await auth.mfa.unenroll({ factorId: factor.id }))
  good(await auth.refreshSession())
})

test('a provider: options reach it, and a token of its own links an identity', async () => {
  const { auth } = await user()
  const options = { scopes: 'extra', queryParams: { prompt: 'consent' } }
  const { url } = good(await auth.signInWithOAuth({ provider: 'oidc', options }))
  const asked = new URL((await fetch(url, { redirect: 'manual' })).headers.get('location')).searchParams
  assert.equal(asked.get('prompt'), 'consent')
  assert.match(asked.get('scope'), /\bextra$/)
  const before = good(await auth.getUser()).user
  const token = { provider: 'oidc', token: process.env.ID_TOKEN, nonce: 'nonce' }
  assert.equal(good(await auth.linkIdentity(token)).user.id, before.id)
  const { identities } = good(await auth.getUserIdentities())
  assert.deepEqual(identities.map((one) => one.provider), ['email', 'oidc'])
  good(await auth.unlinkIdentity(identities[1]))
  refused(await auth.unlinkIdentity(identities[0]), 'single_identity_not_deletable', 422)
})

test('PKCE: an identity is linked without a cookie, by the client that began', async () => {
  const { auth } = await user({ flowType: 'pkce' })
  const before = good(await auth.getUser()).user
  const { url } = good(await auth.linkIdentity({ provider: 'oidc' }))
  let location = url
  while (!location.includes('code=') || location.includes('state=')) {
    location = (await fetch(location, { redirect: 'manual' })).headers.get('location')
  }
  const code = new URL(location).searchParams.get('code')
  assert.ok((await client().exchangeCodeForSession(code)).error)
  assert.equal(good(await auth.getUserIdentities()).identities.length, 1)
  const { user: linked } = good(await auth.exchangeCodeForSession(code))
  assert.equal(linked.id, before.id)
  assert.deepEqual(linked.identities.map((one) => one.provider), ['email', 'oidc'])
  good(await auth.unlinkIdentity(linked.identities[1]))
})

test('identities, and signing out', async () => {
  const { auth, email } = await user()
  const { identities } = good(await auth.getUserIdentities())
  assert.deepEqual(identities.map((one) => one.provider), ['email'])
  const other = client()
  good(await other.signInWithPassword({ email, password: PASSWORD }))
  assert.equal((await auth.signOut({ scope: 'others' })).error, null)
  assert.ok((await other.getUser()).error)
  const { access_token: token } = (await auth.getSession()).data.session
  assert.equal((await auth.signOut({ scope: 'local' })).error, null)
  assert.ok((await client().getUser(token)).error)
})

test('an anonymous user gets an address', async () => {
  const auth = client()
  const { user: nobody } = good(await auth.signInAnonymously())
  assert.equal(nobody.is_anonymous, true)
  const email = newAddress()
  good(await auth.updateUser({ email }))
  const { code } = await mail(email)
  const { user: known } = good(await auth.verifyOtp({ email, token: code, type: 'email_change' }))
  assert.equal(known.id, nobody.id)
  assert.equal(known.is_anonymous, false)
})

test('administration', async () => {
  const email = newAddress()
  const { user: made } = good(await admin().createUser({ email, password: PASSWORD, email_confirm: true }))
  good(await client().signInWithPassword({ email, password: PASSWORD }))
  const listed = good(await admin().listUsers({ page: 1, perPage: 1 }))
  assert.equal(listed.users.length, 1)
  assert.ok(listed.total >= 1)
  assert.equal(good(await admin().getUserById(made.id)).user.email, email)
  const changed = good(await admin().updateUserById(made.id, { app_metadata: { plan: 'big' } }))
  assert.equal(changed.user.app_metadata.plan, 'big')
  good(await admin().updateUserById(made.id, { ban_duration: '1h' }))
  refused(await client().signInWithPassword({ email, password: PASSWORD }), 'user_banned', 403)
  assert.deepEqual(good(await admin().mfa.listFactors({ userId: made.id })).factors, [])
  good(await admin().deleteUser(made.id))
  const invited = newAddress()
  good(await admin().inviteUserByEmail(invited))
  const { code } = await mail(invited)
  good(await client().verifyOtp({ email: invited, token: code, type: 'invite' }))
  const link = good(await admin().generateLink({ type: 'magiclink', email: invited }))
  good(await client().verifyOtp({ token_hash: link.properties.hashed_token, type: 'magiclink' }))
  for (const type of ['signup', 'invite', 'magiclink', 'recovery', 'email_change_current']) {
    const old = ['recovery', 'email_change_current'].includes(type)
    const wanted = { type, email: old ? invited : newAddress(), password: PASSWORD, newEmail: newAddress() }
    const { properties } = good(await admin().generateLink(wanted))
    assert.equal(properties.verification_type, type)
    good(await client().verifyOtp({ token_hash: properties.hashed_token, type }))
  }
  const signedIn = await user()
  const { access_token: token } = (await signedIn.auth.getSession()).data.session
  good(await admin().signOut(token, 'global'))
  assert.ok((await signedIn.auth.getUser(token)).error)
})

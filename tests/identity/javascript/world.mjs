// What the tests share: clients of the served application, and its mailbox.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { AuthClient } from '@supabase/auth-js'

const { URL: address, PUBLISHABLE_KEY, SECRET_KEY, MAILS } = process.env
export const PASSWORD = 'correct horse battery staple'

function storage() {
  const kept = new Map()
  return {
    getItem: (name) => kept.get(name) ?? null,
    setItem: (name, value) => kept.set(name, value),
    removeItem: (name) => kept.delete(name),
  }
}

export function client(options = {}, key = PUBLISHABLE_KEY) {
  return new AuthClient({
    url: `${address}/auth/v1`,
    headers: { apikey: key, Authorization: `Bearer ${key}` },
    autoRefreshToken: false,
    detectSessionInUrl: false,
    persistSession: true,
    storage: storage(),
    ...options,
  })
}

export const admin = () => client({}, SECRET_KEY).admin

let serial = 0
export const newAddress = () => `js${process.pid}x${Date.now()}x${(serial += 1)}@example.com`

// The newest mail to an address that is none of those already seen.
export async function mail(to, seen = new Set()) {
  for (let tries = 0; tries < 100; tries += 1) {
    const names = existsSync(MAILS) ? readdirSync(MAILS).filter((name) => name.endsWith('.eml')) : []
    for (const name of names.sort().reverse()) {
      const text = readFileSync(`${MAILS}/${name}`, 'utf8').replace(/=\r?\n/g, '').replace(/=3D/g, '=')
      if (text.includes(`To: ${to}`) && !seen.has(name)) {
        seen.add(name)
        return {
          code: text.match(/\b(\d{8})\b/)?.[1],
          link: text.match(/https?:\/\/[^\s"<]+\/verify[^\s"<]+/)?.[0],
        }
      }
    }
    await sleep(50)
  }
  throw new Error(`no mail to ${to}`)
}

// A confirmed and signed-in user, with the client that holds the session.
export async function user(options = {}) {
  const email = newAddress()
  const auth = client(options)
  const seen = new Set()
  const { error } = await auth.signUp({ email, password: PASSWORD })
  if (error) throw error
  const { code } = await mail(email, seen)
  const verified = await client().verifyOtp({ email, token: code, type: 'signup' })
  if (verified.error) throw verified.error
  await auth.setSession(verified.data.session)
  return { auth, email, seen }
}

// bcrypt, as passwords stand in Prometheus' web config: Node has none, and libraries hold the loop for 100 ms at a time.
//   Provos, Mazières, "A Future-Adaptable Password Scheme", https://www.openbsd.org/papers/bcrypt-paper.pdf
import { timingSafeEqual } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'

/** `$2b$`, the cost, 22 characters of salt, 31 of hash; `$2a$` and `$2y$` name the same algorithm. */
const HASH = /^\$2[aby]\$(\d\d)\$([./A-Za-z0-9]{22})([./A-Za-z0-9]{31})$/
/** Beyond it one check takes a second and more. */
const HIGHEST_COST = 14
/** Others have their turn after so long. */
const SLICE_MS = 4

/** True for a hash that `checkPassword` can check. */
export function isBcrypt(text: string): boolean {
  const cost = Number(HASH.exec(text)?.[1] ?? NaN)
  return cost >= 4 && cost <= HIGHEST_COST
}

/** Whether the password is that of the hash. Takes as long for a wrong one. Rejects on what is no hash. */
export async function checkPassword(password: string, hash: string): Promise<boolean> {
  const parts = HASH.exec(hash)
  if (parts === null || !isBcrypt(hash)) throw new TypeError('this is no bcrypt hash')
  const [, cost, salt, expected] = parts as unknown as [string, string, string, string]
  const found = await hashOf(Buffer.from(password), fromBase64(salt, 16), 2 ** Number(cost))
  return timingSafeEqual(found, fromBase64(expected, HASH_BYTES))
}

const HASH_BYTES = 23
const ROUNDS = 16
const SUBKEYS = ROUNDS + 2
const BOX = 256

/** Blowfish's state: the subkeys, then four boxes of 256 words. */
type State = Int32Array

async function hashOf(password: Buffer, salt: Buffer, rounds: number): Promise<Buffer> {
  const key = words(Buffer.concat([password, Buffer.of(0)]).subarray(0, 72), SUBKEYS)
  const salted = words(salt, SUBKEYS)
  const state = Int32Array.from(PI_WORDS())
  expand(state, key, words(salt, 4))
  let until = performance.now() + SLICE_MS
  for (let i = 0; i < rounds; i++) {
    expand(state, key, NO_SALT)
    expand(state, salted, NO_SALT)
    if (performance.now() < until) continue
    await nextTurn()
    until = performance.now() + SLICE_MS
  }
  return encryptedText(state)
}

const NO_SALT = new Int32Array(4)
const TEXT = Buffer.from('OrpheanBeholderScryDoubt')

function encryptedText(state: State): Buffer {
  const text = words(TEXT, 6)
  for (let i = 0; i < text.length; i += 2) for (let again = 0; again < 64; again++) encrypt(state, text, i)
  const bytes = Buffer.alloc(TEXT.length)
  for (const [i, word] of text.entries()) bytes.writeInt32BE(word, i * 4)
  return bytes.subarray(0, HASH_BYTES)
}

/** Mixes the key into the subkeys, then replaces the whole state by its own output. */
function expand(state: State, key: Int32Array, salt: Int32Array): void {
  for (let i = 0; i < SUBKEYS; i++) state[i]! ^= key[i]!
  const block = new Int32Array(2)
  for (let i = 0; i < state.length; i += 2) {
    block[0]! ^= salt[i & 2]!
    block[1]! ^= salt[(i & 2) + 1]!
    encrypt(state, block, 0)
    state[i] = block[0]!
    state[i + 1] = block[1]!
  }
}

/** Blowfish on the two words of a block. */
function encrypt(state: State, block: Int32Array, at: number): void {
  let left = block[at]! ^ state[0]!
  let right = block[at + 1]!
  for (let i = 1; i <= ROUNDS; i += 2) {
    right ^= mixed(state, left) ^ state[i]!
    left ^= mixed(state, right) ^ state[i + 1]!
  }
  block[at] = right ^ state[ROUNDS + 1]!
  block[at + 1] = left
}

function mixed(state: State, word: number): number {
  const sum = state[SUBKEYS + (word >>> 24)]! + state[SUBKEYS + BOX + ((word >>> 16) & 0xff)]!
  return ((sum ^ state[SUBKEYS + 2 * BOX + ((word >>> 8) & 0xff)]!) + state[SUBKEYS + 3 * BOX + (word & 0xff)]!) | 0
}

/** So many words of the bytes, from the beginning again at their end. */
function words(bytes: Buffer, count: number): Int32Array {
  const out = new Int32Array(count)
  for (let i = 0; i < count * 4; i++) out[i >> 2] = (out[i >> 2]! << 8) | bytes[i % bytes.length]!
  return out
}

/** The state that Blowfish begins with is the fraction of pi, which is quicker worked out than read through. */
const PI_WORDS = once(() => {
  const count = SUBKEYS + 4 * BOX
  const bits = BigInt(count * 32)
  const guard = 64n
  // Machin: pi = 16 arctan(1/5) - 4 arctan(1/239).
  const pi = (16n * arctan(5n, bits + guard) - 4n * arctan(239n, bits + guard)) >> guard
  const hex = (pi & ((1n << bits) - 1n)).toString(16).padStart(count * 8, '0')
  return Int32Array.from({ length: count }, (_, i) => Number.parseInt(hex.slice(i * 8, i * 8 + 8), 16))
})

/** arctan(1 / n), times 2 to the power of `bits`. */
function arctan(n: bigint, bits: bigint): bigint {
  let power = (1n << bits) / n
  let sum = 0n
  for (let k = 1n; power !== 0n; k += 2n) {
    sum += k % 4n === 1n ? power / k : -power / k
    power /= n * n
  }
  return sum
}

function once<T>(make: () => T): () => T {
  let made: T | undefined
  return () => (made ??= make())
}

const ALPHABET = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** bcrypt's own base64, without padding. */
function fromBase64(text: string, bytes: number): Buffer {
  const standard = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  return Buffer.from(
    text.replace(/./g, c => standard[ALPHABET.indexOf(c)]!),
    'base64'
  ).subarray(0, bytes)
}

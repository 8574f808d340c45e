// Oniguruma itself, as WebAssembly out of the package vscode-oniguruma; loaded when the first expression needs it.
import { readFileSync } from 'node:fs'
import { assetPath } from '../../../core/assets.ts'

// The package's own JavaScript starts the module asynchronously and once for ever. Building a pipeline is synchronous,
// and a module whose call was interrupted by a time limit must be thrown away, so its few functions are called directly.

interface Memory {
  readonly buffer: ArrayBuffer
  grow(pages: number): number
}

type Imports = Record<string, Record<string, (...args: number[]) => unknown>>

// TypeScript has these only in the library for browsers.
declare const WebAssembly: {
  readonly Module: { new (bytes: Uint8Array): object; imports(module: object): { name: string }[] }
  readonly Instance: new (module: object, imports: Imports) => { readonly exports: unknown }
}

interface Exports {
  readonly memory: Memory
  __wasm_call_ctors(): void
  _embind_initialize_bindings(): void
  omalloc(bytes: number): number
  ofree(pointer: number): void
  getLastOnigError(): number
  createOnigScanner(texts: number, lengths: number, count: number, options: number, syntax: number): number
  freeOnigScanner(scanner: number): void
  findNextOnigScannerMatch(
    scanner: number,
    id: number,
    text: number,
    length: number,
    at: number,
    options: number
  ): number
}

/** An expression that Oniguruma refused; the message is its own. */
export class OnigurumaError extends Error {}

/** The dot takes newlines too, and groups without a name do not capture beside named ones. */
const MULTILINE = 'ONIG_OPTION_MULTILINE'
const CAPTURE = 'ONIG_OPTION_CAPTURE_GROUP'
const RUBY = 'ONIG_SYNTAX_RUBY'

const encoder = new TextEncoder()

/** The compiled module is the same for every instance, so it is made once (some 10 ms). */
const compiledModule = ((): (() => object) => {
  let compiled: object | undefined
  return () => (compiled ??= new WebAssembly.Module(readFileSync(assetPath('onig.wasm'))))
})()

/** One instance of Oniguruma with the expressions compiled in it. */
export class Oniguruma {
  readonly #exports: Exports
  readonly #constants = new Map<string, number>()
  /** The buffer that texts are written to, and its size in bytes. */
  #text = 0
  #size = 0
  #lastId = 0
  #running = false

  constructor() {
    const compiled = compiledModule()
    const nothing = (): void => {}
    const memory = (): Uint8Array => new Uint8Array(this.#exports.memory.buffer)
    const env: Record<string, (...args: number[]) => unknown> = {
      emscripten_memcpy_big: (to, from, bytes) => memory().copyWithin(to!, from!, from! + bytes!),
      emscripten_get_now: () => performance.now(),
      emscripten_resize_heap: bytes => this.#grow(bytes! >>> 0),
      _embind_register_constant: (name, _type, value) => this.#constants.set(this.#string(name!), value!)
    }
    for (const { name } of WebAssembly.Module.imports(compiled)) env[name] ??= nothing
    const instance = new WebAssembly.Instance(compiled, { env, wasi_snapshot_preview1: { fd_write: () => 0 } })
    this.#exports = instance.exports as Exports
    this.#exports.__wasm_call_ctors()
    this.#exports._embind_initialize_bindings()
  }

  /** A call into this instance was cut off by a time limit: its memory may be half changed, and it must not be used. */
  get broken(): boolean {
    return this.#running
  }

  /** Compiles an expression; throws OnigurumaError with Oniguruma's own words. */
  compile(source: string): number {
    const bytes = encoder.encode(source)
    const { omalloc, ofree, createOnigScanner } = this.#exports
    const text = omalloc(bytes.length + 8)
    const lists = omalloc(8)
    this.#bytes().set(bytes, text)
    new Uint32Array(this.#exports.memory.buffer, lists, 2).set([text, bytes.length])
    const options = this.#constant(MULTILINE) | this.#constant(CAPTURE)
    const scanner = createOnigScanner(lists, lists + 4, 1, options, this.#constant(RUBY))
    ofree(text)
    ofree(lists)
    if (scanner === 0) throw new OnigurumaError(this.#string(this.#exports.getLastOnigError()))
    return scanner
  }

  /** Gives a compiled expression's memory back. */
  free(scanner: number): void {
    this.#exports.freeOnigScanner(scanner)
  }

  /**
   * Searches a text. The answer lists the start and end of the match and of each capture, in bytes of the text's UTF-8
   * form, -1 for an unset one; undefined without a match, or when Oniguruma gave up at its limit: it doesn't tell which.
   */
  search(scanner: number, text: string): Int32Array | undefined {
    this.#running = true
    const length = this.#write(text)
    // The instance keeps what it found in a text of 1000 bytes and more under this number.
    const id = ++this.#lastId
    const found = this.#exports.findNextOnigScannerMatch(scanner, id, this.#text, length, 0, 0)
    this.#running = false
    if (found === 0) return undefined
    const head = new Int32Array(this.#exports.memory.buffer, found, 2)
    return new Int32Array(this.#exports.memory.buffer, found + 8, head[1]! * 2)
  }

  /** A part of the text that was searched last, by its bytes. */
  slice(from: number, to: number): string {
    return Buffer.from(this.#exports.memory.buffer, this.#text + from, to - from).toString()
  }

  #write(text: string): number {
    const most = text.length * 3
    if (most > this.#size) {
      if (this.#text !== 0) this.#exports.ofree(this.#text)
      this.#size = Math.max(4096, most * 2)
      this.#text = this.#exports.omalloc(this.#size)
    }
    return encoder.encodeInto(text, this.#bytes().subarray(this.#text, this.#text + this.#size)).written
  }

  #bytes(): Uint8Array {
    return new Uint8Array(this.#exports.memory.buffer)
  }

  #grow(bytes: number): number {
    const page = 65536
    const { memory } = this.#exports
    // A quarter more than asked for, so that growing stays rare; 1 GiB is more than any expression may take.
    if (bytes > 0x40000000) return 0
    const pages = Math.ceil((bytes * 1.25 - memory.buffer.byteLength) / page)
    try {
      memory.grow(Math.max(1, pages))
      return 1
    } catch {
      return 0
    }
  }

  #constant(name: string): number {
    const value = this.#constants.get(name)
    if (value === undefined) throw new Error(`the WebAssembly module has no constant ${name}`)
    return value
  }

  #string(pointer: number): string {
    const bytes = this.#bytes()
    return Buffer.from(bytes.subarray(pointer, bytes.indexOf(0, pointer))).toString()
  }
}

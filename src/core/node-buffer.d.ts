// Buffer's direct methods, which Node has and documents nowhere, nor does @types/node: without the encoding look-up of
// toString() and write() they cost a third less (Node 26; used in the hot path only).
interface Buffer<TArrayBuffer extends ArrayBufferLike = ArrayBufferLike> extends Uint8Array<TArrayBuffer> {
  latin1Slice(start?: number, end?: number): string
  utf8Slice(start?: number, end?: number): string
  latin1Write(text: string, offset?: number, length?: number): number
  utf8Write(text: string, offset?: number, length?: number): number
}

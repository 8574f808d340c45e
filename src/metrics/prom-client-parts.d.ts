// prom-client ships its default metrics one file each, without types.
declare module 'prom-client/lib/metrics/*.js' {
  import type { Registry } from 'prom-client'
  const register: (registry: Registry) => void
  export default register
}

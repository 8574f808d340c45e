// `yarder setup` on one cluster: looks what is there, makes what is missing, and replaces nothing but its own.
import type { SetupOptions, SetupStep } from '../../../core/component.ts'
import type { HttpResponse } from '../../../core/http.ts'
import { refusal, said } from '../answer.ts'
import { partsOf } from './parts.ts'
import type { Part, Product, Target } from './parts.ts'

/** Asks the cluster, whichever host answers. `path` is without the leading slash. */
export type Ask = (method: 'GET' | 'PUT', path: string, body?: object) => Promise<HttpResponse>

/** What the cluster has of a part: the answer to GET, or that it has no such thing or not even the word for it. */
type Found = { readonly answer: unknown } | 'absent' | 'unsupported'

/** Throws YarderError when the cluster can't be reached or lets nobody in. */
export async function runSetup(target: Target, o: SetupOptions, ask: Ask): Promise<SetupStep[]> {
  const product = await productOf(ask)
  const policy = partsOf(target, o, product, true).find(isPolicy)
  const hasLifecycle = policy !== undefined && (await find(policy, ask)) !== 'unsupported'
  const steps: SetupStep[] = []
  if (policy !== undefined && !hasLifecycle)
    steps.push({ what: policy.what, outcome: 'unsupported', detail: 'the server has no lifecycle management' })
  for (const part of partsOf(target, o, product, hasLifecycle)) {
    const step = await settle(part, o, ask)
    steps.push(step)
    // What follows would be made without it, and stay so.
    if (step.outcome === 'refused') break
  }
  return steps
}

/** The requests for an Elasticsearch that has nothing of it yet, as Kibana's console takes them. */
export const printSetup = (target: Target, o: SetupOptions): string =>
  partsOf(target, o, 'elasticsearch', true)
    .map(part => `PUT ${part.put}\n${part.body === undefined ? '' : `${JSON.stringify(part.body, undefined, 2)}\n`}`)
    .join('\n')

const isPolicy = (part: Part): boolean => / policy /.test(part.what)

async function productOf(ask: Ask): Promise<Product> {
  const response = await ask('GET', '')
  // A key that may manage templates need not be allowed to look at the root.
  if (response.status !== 200 && response.status !== 403) throw refusal('GET /', response)
  return /"distribution"\s*:\s*"opensearch"/.test(response.body.toString('utf8')) ? 'opensearch' : 'elasticsearch'
}

async function find(part: Part, ask: Ask): Promise<Found> {
  const response = await ask('GET', part.path)
  if (response.status === 200) return { answer: JSON.parse(response.body.toString('utf8')) as unknown }
  if (response.status === 404) return 'absent'
  // A server without the module takes the path for the name of an index.
  if (
    [400, 405, 410].includes(response.status) &&
    /no handler found|incorrect http method|not available/i.test(said(response))
  )
    return 'unsupported'
  throw refusal(`GET ${part.path}`, response)
}

async function settle(part: Part, o: SetupOptions, ask: Ask): Promise<SetupStep> {
  const { what } = part
  const found = await find(part, ask)
  if (found === 'unsupported')
    return { what, outcome: 'unsupported', detail: 'the server has no interface for it; the first record makes it' }
  if (found === 'absent') {
    if (o.dry) return { what, outcome: 'missing' }
    return made(part, await ask('PUT', part.put, part.body), 'made')
  }
  const mark = part.mark(found.answer)
  if (mark === part.wanted) return { what, outcome: 'kept' }
  if (mark === undefined)
    return { what, outcome: o.force ? 'refused' : 'kept', detail: 'somebody else made it; yarder leaves it alone' }
  if (!o.force)
    return { what, outcome: 'kept', detail: 'it is of another version or configuration; --force replaces it' }
  if (o.dry) return { what, outcome: 'missing', detail: 'what is there would be replaced' }
  const step = made(part, await ask('PUT', `${part.put}${part.replace(found.answer)}`, part.body), 'replaced')
  return step.outcome === 'replaced' ? { ...step, detail: 'for indices made from now on' } : step
}

function made(part: Part, response: HttpResponse, outcome: 'made' | 'replaced'): SetupStep {
  const { status } = response
  if (status >= 200 && status < 300) return { what: part.what, outcome }
  if (status === 401 || status === 403 || status >= 500) throw refusal(`PUT ${part.put}`, response)
  return { what: part.what, outcome: 'refused', detail: said(response).slice(2) }
}

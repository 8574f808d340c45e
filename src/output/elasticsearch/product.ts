// Which product and version answers: for messages only, nothing depends on it.
import type { Log } from '../../core/log.ts'

interface Greeting {
  version?: { number?: unknown; distribution?: unknown; build_flavor?: unknown }
}

/** Says once what the answer to `GET /` tells. Who may not ask learns nothing; who may is told when it is another product. */
export function greet(log: Log, url: string, status: number, body: Buffer): void {
  const version = parsed(body)?.version
  if (typeof version?.number !== 'string') {
    if (status === 200) log.warn({ url }, 'What answers there does not look like Elasticsearch or OpenSearch.')
    return
  }
  const product = version.distribution === 'opensearch' ? 'OpenSearch' : 'Elasticsearch'
  const flavor = version.build_flavor === 'serverless' ? 'serverless' : undefined
  log.info({ product, version: version.number, flavor, url }, 'Connected.')
  if (product === 'Elasticsearch' && Number.parseInt(version.number, 10) < 7)
    log.warn({ version: version.number, url }, 'Elasticsearch before 7 is unsupported: it asks for document types.')
}

function parsed(body: Buffer): Greeting | undefined {
  try {
    return (JSON.parse(body.toString('utf8')) ?? undefined) as Greeting | undefined
  } catch {
    return undefined
  }
}

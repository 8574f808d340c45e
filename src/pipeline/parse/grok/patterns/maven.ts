// The grok pattern of a version of a Maven artefact.

export const common = String.raw`
MAVEN_VERSION (?:\d+\.){0,2}(?:\*|\d+)(?:[.-](?:RELEASE|SNAPSHOT))?
`

export const legacy = String.raw``

export const ecs = String.raw``

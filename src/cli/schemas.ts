import { parseArgs } from 'node:util'
import { ConfigStore } from '../config/config-store.ts'
import { inlineDependencies } from '../encoding/inline-references.ts'
import { linkReferences } from '../encoding/schema-references.ts'
import type {
  Compatibility,
  RegisteredSchema,
  SchemaDependency,
  SchemaRegistry,
  VersionedSchemaRegistry,
} from '../encoding/schema-registry.ts'
import { isMessagingError, MessagingError } from '../errors/messaging-error.ts'
import { createSchemaRegistryClient } from '../factory/create-schema-registry.ts'
import { readManifest } from '../factory/read-manifest.ts'
import { resolveSubject } from '../factory/resolve-subject.ts'
import { resolveTopic } from '../factory/resolve-topic.ts'
import { compareVersions } from './compare-versions.ts'
import { loadManifests } from './load-manifest.ts'
import { describeSchemaDifference } from './schema-difference.ts'
import { runSchemaTypes, schemaTypesUsage } from './schema-types.ts'
import type { CommandStreams } from './send.ts'

export const schemasUsage = `postrider schemas check|register|diff --manifests ./messages.ts

Compares the Avro schemas of each manifest, and those they refer to, with the schema registry.

  check      would the compatibility level of its subject accept it? Changes nothing
  register   registers what is not there yet
  diff       what is different from the latest version, one line each

  --manifests FILE[#CLASS]  the manifests that a file exports, or one of them; may be given again (required)
  --schema-registry URL,…   in place of POSTRIDER_SCHEMA_REGISTRY_URL

Everything else is configured by POSTRIDER_* variables (docs/configuration.md): credentials, topicPrefix, NODE_ENV.
Exit status: 0 fine, 1 incompatible or different, 2 wrong usage, or the schema registry gave no answer.

${schemaTypesUsage}`

const actions = { check, register, diff } as const

interface Task {
  readonly registry: VersionedSchemaRegistry
  readonly manifest: string
  readonly subject: string
  readonly schema: string
  readonly references: readonly SchemaDependency[]
}

/** The outcome of one manifest: lines for the reader, and whether all is well. */
interface Finding {
  readonly fine: boolean
  readonly lines: readonly string[]
}

/** Resolves with the exit status. @throws INPUT_INVALID, CONFIG_INVALID, CONFIG_UNKNOWN_FIELD for wrong usage */
export async function runSchemas(args: readonly string[], streams: CommandStreams): Promise<number> {
  if (args[0] === 'types') return runSchemaTypes(args.slice(1), streams)
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { manifests: { type: 'string', multiple: true, default: [] }, 'schema-registry': { type: 'string' } },
  })
  const [name = '', ...rest] = positionals
  if (!Object.hasOwn(actions, name) || rest.length > 0) throw usage(`say one of ${Object.keys(actions).join(', ')}`)
  if (values.manifests.length === 0) throw usage('--manifests is missing')
  const config = new ConfigStore(streams.environment)
  const url = values['schema-registry']
  if (url !== undefined) config.configure({ schemaRegistry: { url } })
  try {
    const tasks = await readTasks(values.manifests, config, streams.stdout)
    return (await perform(actions[name as keyof typeof actions], tasks, streams.stdout)) ? 0 : 1
  } catch (error) {
    if (!isMessagingError(error) || isMessagingError(error, 'INPUT_INVALID', 'CONFIG_INVALID', 'CONFIG_UNKNOWN_FIELD'))
      throw error
    // 1 is an answer about the schemas; having none must not look like it.
    streams.stderr.write(`${error.code}: ${error.message}\n`)
    return 2
  }
}

async function perform(
  act: (task: Task) => Promise<Finding>,
  tasks: readonly Task[],
  stdout: CommandStreams['stdout'],
): Promise<boolean> {
  let isFine = true
  try {
    for (const task of tasks) {
      const { fine, lines } = await act(task)
      isFine &&= fine
      stdout.write(lines.map((line, index) => `${index === 0 ? `${task.manifest}: ` : '  '}${line}\n`).join(''))
    }
  } finally {
    // Those of the manifests too: this process is at its end.
    for (const { registry } of tasks) await registry.close?.()
  }
  return isFine
}

async function check({ registry, subject, schema, references }: Task): Promise<Finding> {
  const latest = await registry.getVersion(subject, 'latest')
  if (latest === undefined) return { fine: true, lines: [`${subject} is new`] }
  const level = await registry.getCompatibilityLevel(subject)
  // Complete, since what it refers to may not be registered yet.
  const complete = inlineDependencies(schema, references)
  const { compatible, reasons } = await askWhetherCompatible(registry, latest, complete, level)
  if (compatible) return { fine: true, lines: [`${subject} accepts it (${level}, latest version ${latest.version})`] }
  const changes = describeSchemaDifference(await readComplete(registry, latest), complete)
  return {
    fine: false,
    lines: [`${subject} refuses it (${level}, latest version ${latest.version})`, ...reasons, ...changes],
  }
}

/** Some servers (Apicurio 2) call a version with references invalid when they are to compare with it: then it is done here. */
async function askWhetherCompatible(
  registry: VersionedSchemaRegistry,
  latest: RegisteredSchema,
  complete: string,
  level: string,
): Promise<Compatibility> {
  const { subject, version } = latest
  try {
    return await registry.checkCompatibility(subject, complete)
  } catch (error) {
    if (!isMessagingError(error, 'SCHEMA_INVALID')) throw error
    const numbers = level.endsWith('_TRANSITIVE') ? Array.from({ length: version }, (_, index) => index + 1) : [version]
    const found = await Promise.all(numbers.map((number) => registry.getVersion(subject, number)))
    const earlier = found.filter((each) => each !== undefined)
    if (earlier.every(({ references }) => references.length === 0)) throw error
    const texts = await Promise.all(earlier.map((each) => readComplete(registry, each)))
    return compareVersions(level, complete, texts, subject)
  }
}

async function register({ registry, subject, schema, references }: Task): Promise<Finding> {
  const known = await registry.find(subject, schema, references)
  if (known) return { fine: true, lines: [`${subject} has it already (version ${known.version}, id ${known.id})`] }
  try {
    // Whatever sends may do: this command is asked to.
    const id = await registry.add(subject, schema, references)
    return { fine: true, lines: [`registered under ${subject} (id ${id})`] }
  } catch (error) {
    if (!isMessagingError(error, 'SCHEMA_INCOMPATIBLE', 'SCHEMA_INVALID')) throw error
    return { fine: false, lines: [error.message] }
  }
}

async function diff({ registry, subject, schema, references }: Task): Promise<Finding> {
  const latest = await registry.getVersion(subject, 'latest')
  if (latest === undefined) return { fine: false, lines: [`${subject} has no version yet`] }
  const before = await readComplete(registry, latest)
  const changes = describeSchemaDifference(before, inlineDependencies(schema, references))
  if (changes.length === 0) return { fine: true, lines: [`as version ${latest.version} of ${subject}`] }
  return { fine: false, lines: [`different from version ${latest.version} of ${subject}`, ...changes] }
}

function isVersioned(registry: SchemaRegistry & Partial<VersionedSchemaRegistry>): registry is VersionedSchemaRegistry {
  const { find, add, getVersion, checkCompatibility, getCompatibilityLevel } = registry
  return [find, add, getVersion, checkCompatibility, getCompatibilityLevel].every((method) => method !== undefined)
}

/** With what it refers to, as `getById` gives it. */
function readComplete(
  registry: VersionedSchemaRegistry,
  { id, schema, references }: RegisteredSchema,
): Promise<string> {
  return references.length === 0 ? Promise.resolve(schema) : registry.getById(id)
}

/** What has a schema in a schema registry with versions; the rest is named and left out. @throws INPUT_INVALID, MANIFEST_INVALID, CONFIG_* */
async function readTasks(
  references: readonly string[],
  config: ConfigStore,
  stdout: CommandStreams['stdout'],
): Promise<Task[]> {
  const tasks: Task[] = []
  let configured: VersionedSchemaRegistry | undefined
  for (const Manifest of (await Promise.all(references.map((reference) => loadManifests(reference)))).flat()) {
    const manifest = readManifest(Manifest)
    const { name, instance, attributes, topic, codec, schema, keySchema, references, schemaRegistry } = manifest
    const parts = [
      ['key', keySchema],
      ['value', codec === 'avro' ? schema : undefined],
    ] as const
    if (parts.every(([, given]) => given === undefined)) {
      stdout.write(`${name}: left out, it has no Avro schema\n`)
      continue
    }
    if (schemaRegistry !== undefined && !isVersioned(schemaRegistry)) {
      stdout.write(`${name}: left out, its own schema registry has no versions\n`)
      continue
    }
    const registry = schemaRegistry ?? (configured ??= createSchemaRegistryClient(config.resolve()))
    const producer = config.resolveProducer(name, attributes)
    const fullTopic = resolveTopic(name, topic, producer.topic, config.resolve())
    for (const [part, given] of parts) {
      if (given === undefined) continue
      const subject = resolveSubject({
        manifest: name,
        topic: fullTopic,
        part,
        schema: given,
        strategy: producer.subjectStrategy,
        hook: (of, asked) => instance.subject(of, asked),
      })
      const linked = linkReferences(given, references, subject)
      const all = [
        ...dependenciesFirst(linked.references),
        { subject, schema: linked.text, references: linked.references },
      ]
      for (const each of all) {
        const isSame = (task: Task): boolean =>
          task.registry === registry && task.subject === each.subject && task.schema === each.schema
        if (!tasks.some(isSame)) tasks.push({ manifest: name, registry, ...each })
      }
    }
  }
  if (tasks.length === 0) throw usage('none of the manifests has an Avro schema')
  return tasks
}

/** A schema can be registered only after what it refers to. */
function dependenciesFirst(references: readonly SchemaDependency[]): Omit<Task, 'manifest' | 'registry'>[] {
  return references.flatMap(({ subject, schema, references: inner }) => [
    ...dependenciesFirst(inner),
    { subject, schema, references: inner },
  ])
}

function usage(reason: string): MessagingError {
  return new MessagingError('INPUT_INVALID', { source: 'schemas', reason })
}

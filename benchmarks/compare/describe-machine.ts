import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { cpus, loadavg, release, totalmem, type } from 'node:os'
import { readFileSync } from 'node:fs'

export function describeMachine(): Readonly<Record<string, string>> {
  const processors = cpus()
  return {
    processor: `${processors[0]?.model.trim() ?? 'unknown'}, ${processors.length} cores`,
    memory: `${Math.round(totalmem() / 1024 ** 3)} GB`,
    system: `${type()} ${release()}`,
    // Above a fraction of the cores somebody else is at work, and the figures are theirs too.
    load: `load ${loadavg()[0]!.toFixed(1)} before the start`,
  }
}

/** @param kafka version of the brokers, where it is known */
export function describeVersions(kafka: string): Readonly<Record<string, string>> {
  const native = createRequire(import.meta.url)('@confluentinc/kafka-javascript') as { librdkafkaVersion: string }
  const compare = new URL('node_modules/', import.meta.url)
  const main = new URL('../../node_modules/', import.meta.url)
  return {
    node: process.versions.node,
    'Apache Kafka': kafka,
    postrider: versionIn(new URL('../../', import.meta.url)),
    '@confluentinc/kafka-javascript': versionIn(new URL('@confluentinc/kafka-javascript/', main)),
    librdkafka: native.librdkafkaVersion,
    kafkajs: versionIn(new URL('kafkajs/', compare)),
    '@platformatic/kafka': versionIn(new URL('@platformatic/kafka/', compare)),
  }
}

/** The commit that is checked out, with a mark when something in it is changed. */
export function describeCommit(): string {
  try {
    const commit = execFileSync('git', ['describe', '--always', '--dirty', '--abbrev=12'], { encoding: 'utf8' })
    return commit.trim()
  } catch {
    return 'unknown'
  }
}

function versionIn(folder: URL): string {
  const manifest = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')) as { version: string }
  return manifest.version
}

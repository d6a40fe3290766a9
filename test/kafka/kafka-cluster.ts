import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from './free-ports.ts'
import { brokerProperties, type NodePorts } from './broker-properties.ts'
import { ensureKafkaDistribution, type KafkaDistribution } from './kafka-distribution.ts'
import { createKafkaBroker, PortConflictError, type KafkaBroker } from './kafka-broker.ts'
import { createTlsMaterial } from './tls-material.ts'

export type KafkaOptions = {
  /** How many brokers; each is a controller too. Default 1. */
  brokers?: 1 | 3
  /** Broker settings by their Kafka names; they win over the harness's own. */
  config?: Record<string, string | number | boolean>
  /** Opens a second, SASL_PLAINTEXT listener for these users (name -> password), with PLAIN and SCRAM-SHA-256. */
  sasl?: { users: Record<string, string> }
  /** Opens a further listener with TLS and a certificate for localhost and 127.0.0.1. */
  tls?: boolean
  /**
   * Opens a further plain listener per broker that clients are sent to another port for. Called once per broker with
   * the port it really listens on; returns the port to advertise, for example that of a proxy which breaks things.
   */
  proxy?: (target: { nodeId: number; host: string; port: number }) => Promise<number>
  /** Further options for the JVM; the last one wins, so `-Xmx1g` is enough for a benchmark. */
  javaOptions?: string[]
  onProgress?: (line: string) => void
}

export type KafkaCluster = AsyncDisposable & {
  version: string
  /** host:port of every broker, separated by commas. */
  bootstrap: string
  saslBootstrap?: string
  tlsBootstrap?: string
  /** A PEM file with the certificate that signs the TLS listener's. */
  tlsAuthorityFile?: string
  proxyBootstrap?: string
  brokers: KafkaBroker[]
  /** Holds data and logs; deleted on close. */
  directory: string
  /** Ends all brokers and deletes everything; safe to repeat. */
  close: () => Promise<void>
}

const HOST = '127.0.0.1'
const START_ATTEMPTS = 5

/**
 * Starts an Apache Kafka of its own for a test. It ends with `close`, and also when this process ends in any way,
 * killed included: every broker watches the pipe to its parent.
 */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaCluster> {
  const distribution = await ensureKafkaDistribution(options.onProgress ? { onProgress: options.onProgress } : {})
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnce(distribution, options)
    } catch (error) {
      // Somebody took a port between our choice and the broker's bind: choose again.
      if (!(error instanceof PortConflictError) || attempt === START_ATTEMPTS) throw error
    }
  }
}

async function startOnce(distribution: KafkaDistribution, options: KafkaOptions): Promise<KafkaCluster> {
  const directory = await mkdtemp(join(tmpdir(), 'postrider-kafka-'))
  const brokers: KafkaBroker[] = []
  let closing: Promise<void> | undefined
  // An exit before the first broker runs leaves nobody else to delete the directory.
  const deleteAtExit = (): void => rmSync(directory, { recursive: true, force: true })
  process.once('exit', deleteAtExit)
  const close = (): Promise<void> =>
    (closing ??= closeAll(brokers, directory).finally(() => process.off('exit', deleteAtExit)))
  try {
    const count = options.brokers ?? 1
    const nodes = await chooseNodes(count, options)
    const tls = options.tls === true ? await createTlsMaterial(distribution.java, directory) : undefined
    const clusterId = randomClusterId()
    for (const node of nodes) {
      brokers.push(
        createKafkaBroker({
          distribution,
          clusterDirectory: directory,
          clusterId,
          nodeId: node.nodeId,
          host: HOST,
          port: node.plain,
          properties: {
            ...brokerProperties({ node, nodes, host: HOST, users: options.sasl?.users ?? {}, tls }),
            ...options.config,
          },
          scramUsers: options.sasl?.users ?? {},
          javaOptions: options.javaOptions ?? [],
        }),
      )
    }
    await Promise.all(brokers.map((broker) => broker.start()))
    const bootstrapOf = (portOf: (node: NodePorts) => number | undefined): string | undefined =>
      portOf(nodes[0]!) === undefined ? undefined : nodes.map((node) => `${HOST}:${portOf(node)}`).join(',')
    const saslBootstrap = bootstrapOf((node) => node.sasl)
    const tlsBootstrap = bootstrapOf((node) => node.tls)
    const proxyBootstrap = bootstrapOf((node) => node.advertised)
    return {
      version: distribution.version,
      bootstrap: nodes.map((node) => `${HOST}:${node.plain}`).join(','),
      ...(saslBootstrap === undefined ? {} : { saslBootstrap }),
      ...(tlsBootstrap === undefined ? {} : { tlsBootstrap }),
      ...(tls === undefined ? {} : { tlsAuthorityFile: tls.authorityFile }),
      ...(proxyBootstrap === undefined ? {} : { proxyBootstrap }),
      brokers,
      directory,
      close,
      [Symbol.asyncDispose]: close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

// 16 bytes in base64url, as Kafka has it. The first bit stays 0: an id that begins with '-' would be read as an option.
function randomClusterId(): string {
  const bytes = randomBytes(16)
  bytes[0]! &= 0x7f
  return bytes.toString('base64url')
}

async function closeAll(brokers: KafkaBroker[], directory: string): Promise<void> {
  // Killed, not stopped: the data is thrown away, and an orderly shutdown takes seconds.
  await Promise.all(brokers.map((broker) => broker.kill()))
  await rm(directory, { recursive: true, force: true, maxRetries: 5 })
}

async function chooseNodes(count: number, options: KafkaOptions): Promise<NodePorts[]> {
  const ports = await freePorts(count * 5)
  const next = (): number => ports.pop()!
  const nodes: NodePorts[] = []
  for (let nodeId = 1; nodeId <= count; nodeId++) {
    const node: NodePorts = { nodeId, plain: next(), controller: next() }
    if (options.sasl !== undefined) node.sasl = next()
    if (options.tls === true) node.tls = next()
    if (options.proxy !== undefined) {
      node.proxied = next()
      node.advertised = await options.proxy({ nodeId, host: HOST, port: node.proxied })
    }
    nodes.push(node)
  }
  return nodes
}

import type { TlsMaterial } from './tls-material.ts'

export type NodePorts = {
  nodeId: number
  plain: number
  controller: number
  sasl?: number
  tls?: number
  proxied?: number
  /** The port in front of `proxied`. */
  advertised?: number
}

export type BrokerPropertiesOptions = {
  node: NodePorts
  /** All of the cluster, this one included. */
  nodes: NodePorts[]
  host: string
  /** Who may log in at the SASL listener: name -> password. */
  users: Record<string, string>
  tls: TlsMaterial | undefined
}

/** What server.properties says of one broker. */
export function brokerProperties(options: BrokerPropertiesOptions): Record<string, string | number | boolean> {
  const { node, nodes, host, users, tls } = options
  const listeners: Record<string, number> = { PLAIN: node.plain, CONTROLLER: node.controller }
  const advertised: Record<string, number> = { PLAIN: node.plain }
  const extra: Record<string, string | number | boolean> = {}
  if (node.sasl !== undefined) {
    listeners.SASL = advertised.SASL = node.sasl
    extra['listener.name.sasl.sasl.enabled.mechanisms'] = 'PLAIN,SCRAM-SHA-256'
    extra['listener.name.sasl.plain.sasl.jaas.config'] = plainJaasConfig(users)
    extra['listener.name.sasl.scram-sha-256.sasl.jaas.config'] =
      'org.apache.kafka.common.security.scram.ScramLoginModule required;'
  }
  if (node.tls !== undefined && tls !== undefined) {
    listeners.TLS = advertised.TLS = node.tls
    extra['listener.name.tls.ssl.keystore.type'] = 'PKCS12'
    extra['listener.name.tls.ssl.keystore.location'] = tls.keystoreFile
    extra['listener.name.tls.ssl.keystore.password'] = tls.keystorePassword
  }
  if (node.proxied !== undefined && node.advertised !== undefined) {
    listeners.PROXIED = node.proxied
    advertised.PROXIED = node.advertised
  }
  const count = nodes.length
  return {
    'process.roles': 'broker,controller',
    'node.id': node.nodeId,
    'controller.quorum.voters': nodes.map((each) => `${each.nodeId}@${host}:${each.controller}`).join(','),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAIN',
    listeners: formatListeners(host, listeners),
    'advertised.listeners': formatListeners(host, advertised),
    'listener.security.protocol.map':
      'PLAIN:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SSL',
    ...extra,
    // A topic that springs up by a typing error hides the error.
    'auto.create.topics.enable': false,
    'default.replication.factor': count,
    'offsets.topic.replication.factor': count,
    'transaction.state.log.replication.factor': count,
    'transaction.state.log.min.isr': Math.min(count, 2),
    'share.coordinator.state.topic.replication.factor': count,
    'share.coordinator.state.topic.min.isr': Math.min(count, 2),
    // Internal topics have 50 partitions by default; creating them is most of the first join's or transaction's time.
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.num.partitions': 1,
    'group.initial.rebalance.delay.ms': 0,
    // Tests send messages with timestamps of years ago, which would be deleted every five minutes.
    'log.retention.ms': -1,
    // Tests use session time-outs below the default minimum of 6 s, to see a dead member leave.
    'group.min.session.timeout.ms': 500,
    'group.consumer.min.session.timeout.ms': 500,
    'group.consumer.min.heartbeat.interval.ms': 100,
    // Members of the protocol of KIP-848 cannot ask for theirs: 45 s and 5 s by default.
    'group.consumer.session.timeout.ms': 20_000,
    'group.consumer.heartbeat.interval.ms': 500,
    // A killed broker is noticed, and its partitions led by others, after 3 s instead of 9.
    'broker.session.timeout.ms': 3000,
    'broker.heartbeat.interval.ms': 500,
    // The cleaner would allocate 128 MB at start.
    'log.cleaner.dedupe.buffer.size': 4 * 1024 * 1024,
    'log.cleaner.threads': 1,
    'num.io.threads': 4,
    'num.network.threads': 2,
  }
}

function plainJaasConfig(users: Record<string, string>): string {
  const entries = Object.entries(users).map(([name, password]) => `user_${name}="${password}"`)
  return `org.apache.kafka.common.security.plain.PlainLoginModule required ${entries.join(' ')};`
}

function formatListeners(host: string, ports: Record<string, number>): string {
  return Object.entries(ports)
    .map(([name, port]) => `${name}://${host}:${port}`)
    .join(',')
}

/**
 * What is known about the message when an error is raised.
 * - `not_sent`: no broker has it; sending again cannot duplicate.
 * - `unknown`: a broker may have it; sending again may duplicate.
 * - `rejected`: a broker received and refused it; sending the same again will be refused again unless `retriable`.
 */
export type Outcome = 'not_sent' | 'unknown' | 'rejected'

export interface ErrorCodeEntry {
  /** Message template; `{name}` is filled from the parameters of the error. Never holds a payload or a secret. */
  readonly message: string
  /** The same call may succeed later, unchanged. */
  readonly retriable: boolean
  /** The usual outcome; a single error may know better and say so. */
  readonly outcome: Outcome
  /** Completes "Raised when …" in docs/errors.md. */
  readonly raised: string
  /** What to do about it, for docs/errors.md. */
  readonly remedy: string
}

/** Every failure that leaves the SDK carries one of these codes. Codes are stable: they are renamed only in a major version. */
export const errorCodes = {
  CONFIG_UNKNOWN_FIELD: {
    message: 'Unknown config field {path}.{hint}',
    retriable: false,
    outcome: 'not_sent',
    raised: 'configuration names a field that does not exist',
    remedy: 'Correct the name; docs/configuration.md lists every field.',
  },
  CONFIG_INVALID: {
    message: 'Config field {path} cannot be {value}: expected {expected}.',
    retriable: false,
    outcome: 'not_sent',
    raised: 'a config value has the wrong type, is out of range, or contradicts another field',
    remedy: 'Correct the value at the path the message names.',
  },
  CONFIG_MISSING: {
    message: 'Config field {path} is not set. Set it with configure() or the environment variable {env}.',
    retriable: false,
    outcome: 'not_sent',
    raised: 'the first send needs a field that no layer sets',
    remedy: 'Set the field.',
  },
  CONFIG_IN_USE: {
    message:
      'Config field {path} cannot change now: {user} was already built with it. Configure before the first send.',
    retriable: false,
    outcome: 'not_sent',
    raised: 'configure() touches something that a live producer or client was built from',
    remedy: 'Configure before the first send, or create a second instance with createMessaging().',
  },
  MANIFEST_UNKNOWN: {
    message: '{value} is not a producer manifest. Pass a class that extends ProducerManifest.',
    retriable: false,
    outcome: 'not_sent',
    raised: 'something other than a manifest class is passed to the registry',
    remedy: 'Pass the class itself, not an instance or a name.',
  },
  MANIFEST_INVALID: {
    message: 'Manifest {manifest}: {attribute} {reason}.',
    retriable: false,
    outcome: 'not_sent',
    raised: 'a manifest class lacks an attribute or declares a bad one; found on its first send',
    remedy: 'Correct the attribute that the message names.',
  },
  MANIFEST_HOOK_FAILED: {
    message: 'Manifest {manifest}: {hook}() failed{reason}.',
    retriable: false,
    outcome: 'not_sent',
    raised: 'an overridden manifest method throws or returns something of the wrong type; `cause` has what it threw',
    remedy: 'Correct the method.',
  },
  MIDDLEWARE_FAILED: {
    message: 'Middleware {middleware} failed for {manifest}{reason}.',
    retriable: false,
    outcome: 'not_sent',
    raised: 'middleware throws, to refuse a message or by mistake; `cause` has what it threw',
    remedy: 'Look at `cause`; correct the middleware or what it refuses.',
  },
  PAYLOAD_INVALID: {
    message: 'Payload of {manifest} at {path}: expected {expected}, got {actual}.',
    retriable: false,
    outcome: 'not_sent',
    raised:
      'a payload does not fit the schema or codec of its manifest; the message has the path and types, never the value',
    remedy: 'Correct the payload; to delete a key use registry.tombstone().',
  },
  PAYLOAD_UNDECODABLE: {
    message: 'Bytes are not a valid {format} message: {reason}.',
    retriable: false,
    outcome: 'rejected',
    raised: 'bytes cannot be decoded',
    remedy: 'Check that writer and reader use the same format.',
  },
  PAYLOAD_REJECTED: {
    message: 'The bytes of a message were refused: {reason}.',
    retriable: false,
    outcome: 'rejected',
    raised:
      'a message would make the process build more than its bytes can hold or its limits allow (counts, sizes, depth)',
    remedy: 'Treat it as hostile or corrupt; for a genuine message raise the limit that the error names.',
  },
  KEY_INVALID: {
    message: 'Key of {manifest}: expected a string, Buffer, number, bigint, null or undefined, got {actual}.',
    retriable: false,
    outcome: 'not_sent',
    raised: 'the key hook or the key option gives something that is no key',
    remedy: 'Return a string or bytes; null or undefined means no key.',
  },
  HEADER_INVALID: {
    message: 'Header {header} of {manifest}: expected a string or Buffer, got {actual}.',
    retriable: false,
    outcome: 'not_sent',
    raised: 'a header has a null, numeric or otherwise unusable value, or an empty name',
    remedy: 'Convert the value to a string or Buffer, or leave the header out.',
  },
  SEND_OPTION_INVALID: {
    message: 'Send option {option} of {manifest}: expected {expected}, got {actual}.',
    retriable: false,
    outcome: 'not_sent',
    raised: 'an option of one call (partition, timestamp, signal, …) has a bad value or an unknown name',
    remedy: 'Correct the option.',
  },
  MESSAGE_TOO_LARGE: {
    message: 'The message is too large: {reason}.',
    retriable: false,
    outcome: 'not_sent',
    raised:
      'key, value and headers together exceed maxMessageBytes, or the broker has a smaller limit (outcome `rejected`)',
    remedy: 'Send less, or raise maxMessageBytes together with the max.message.bytes of the topic.',
  },
  SCHEMA_INVALID: {
    message: 'Schema of {subject} is not valid Avro: {reason}.',
    retriable: false,
    outcome: 'not_sent',
    raised: 'a schema cannot be parsed, or the schema registry holds something else under its id',
    remedy: 'Correct the schema.',
  },
  SCHEMA_NOT_FOUND: {
    message: 'The schema registry has no schema with id {id}.',
    retriable: false,
    outcome: 'rejected',
    raised: 'a message names a schema id that the schema registry does not know',
    remedy: 'Check that writer and reader use the same schema registry.',
  },
  SCHEMA_NOT_REGISTERED: {
    message:
      'The schema of {subject} is not registered, and sends register only in development. Run `postrider schemas register --manifests FILE`; ' +
      'in development set NODE_ENV (or environment) to development, or schemaRegistry.autoRegister to "always".',
    retriable: false,
    outcome: 'not_sent',
    raised: 'the schema registry does not hold the schema of a manifest, and it may not be registered by a send',
    remedy:
      'Register it when deploying: `postrider schemas register`; in development set `NODE_ENV` or `environment` to development, or schemaRegistry.autoRegister to "always".',
  },
  SCHEMA_INCOMPATIBLE: {
    message: 'The schema registry refused the schema of {subject} as incompatible: {reason}.',
    retriable: false,
    outcome: 'not_sent',
    raised: 'a schema breaks the compatibility level of its subject',
    remedy: 'Run `postrider schemas check`; change the schema (a default for a new field), or the level.',
  },
  SCHEMA_LOOKUPS_LIMITED: {
    message: 'The schema registry was not asked for the schema with id {id}: {reason}.',
    retriable: true,
    outcome: 'rejected',
    raised: 'messages name so many ids unknown to the schema registry that asking for more would be an attack on it',
    remedy: 'Look at who writes to the topic; later lookups are made again.',
  },
  SCHEMA_CACHE_FAILED: {
    message: 'The schema cache in {directory} cannot be used: {reason}.',
    retriable: true,
    outcome: 'not_sent',
    raised: 'a file in schemaRegistry.cacheDirectory cannot be written; sends go on, only an event tells',
    remedy: 'Make the directory writable for the application.',
  },
  SCHEMA_REGISTRY_UNREACHABLE: {
    message: 'The schema registry could not be reached: {reason}.',
    retriable: true,
    outcome: 'not_sent',
    raised: 'no URL of the schema registry gives an answer within schemaRegistry.timeoutMs, retries included',
    remedy: 'Check schemaRegistry.url, network and TLS settings; the next send tries again.',
  },
  SCHEMA_REGISTRY_DENIED: {
    message: 'The schema registry denied access: {reason}.',
    retriable: false,
    outcome: 'not_sent',
    raised: 'the schema registry answers 401 or 403',
    remedy: 'Correct schemaRegistry.username and password, or token, or grant access to the subject.',
  },
  SCHEMA_REGISTRY_FAILED: {
    message: 'The schema registry gave an unusable answer: {reason}.',
    retriable: false,
    outcome: 'not_sent',
    raised: 'what answers at schemaRegistry.url does not speak the Confluent API, or its TLS files cannot be read',
    remedy: 'Check schemaRegistry.url with its path (Apicurio: `/apis/ccompat/v7`).',
  },
  DRIVER_NOT_INSTALLED: {
    message: 'The driver {driver} needs the package {package}. Install it: npm install {package}{hint}',
    retriable: false,
    outcome: 'not_sent',
    raised: 'the optional package behind a driver is missing',
    remedy: 'Install the package.',
  },
  DRIVER_LOAD_FAILED: {
    message: 'The driver {driver} is installed but does not load: {reason}. Rebuild it: npm rebuild {package}{hint}',
    retriable: false,
    outcome: 'not_sent',
    raised: 'a native library is missing, of another Node version, or of another platform',
    remedy: 'Rebuild or reinstall the package on this machine and Node version.',
  },
  DRIVER_IN_WORKER_THREAD: {
    message:
      'The driver {driver} cannot run in a worker thread. Send from the main thread, use child_process.fork() or cluster, or choose a driver that is pure JavaScript{hint}.',
    retriable: false,
    outcome: 'not_sent',
    raised: 'the native driver is used from a worker thread',
    remedy: 'Send from the main thread or from a child process.',
  },
  DRIVER_OPTION_INVALID: {
    message: 'The driver {driver} refused its options: {reason}.',
    retriable: false,
    outcome: 'not_sent',
    raised: 'a pass-through option in driverOptions is unknown to the driver or has a bad value',
    remedy: 'Correct the option; the message is the driver’s own.',
  },
  DRIVER_FAILED: {
    message: 'The driver failed: {reason}.',
    retriable: false,
    outcome: 'unknown',
    raised: 'the driver reports something that no other code describes',
    remedy: 'Look at `driverCode` and `cause`.',
  },
  BROKERS_UNREACHABLE: {
    message: 'No broker could be reached: {reason}.',
    retriable: true,
    outcome: 'not_sent',
    raised: 'no broker answers within connectTimeoutMs, or every connection is down',
    remedy: 'Check brokers, network and TLS settings; the next send tries again.',
  },
  AUTHENTICATION_FAILED: {
    message: 'The broker refused the credentials: {reason}.',
    retriable: false,
    outcome: 'not_sent',
    raised: 'SASL authentication or the TLS handshake fails',
    remedy: 'Correct sasl.* or tls.*; the next send tries again.',
  },
  AUTHORIZATION_DENIED: {
    message: 'The broker denied access: {reason}.',
    retriable: false,
    outcome: 'rejected',
    raised: 'an ACL forbids the operation',
    remedy: 'Grant the principal access to the topic, group, cluster or transactional id.',
  },
  TOPIC_NOT_FOUND: {
    message: 'The topic or partition does not exist: {reason}.',
    retriable: false,
    outcome: 'not_sent',
    raised: 'the topic is unknown to the cluster and is not created automatically',
    remedy: 'Create the topic, or set createTopic to "if-missing".',
  },
  TOPIC_INVALID: {
    message: 'The topic cannot be used: {reason}.',
    retriable: false,
    outcome: 'not_sent',
    raised: 'a topic name or its settings are refused',
    remedy: 'Correct the topic name, its prefix or topicConfig.',
  },
  PARTITION_NOT_FOUND: {
    message: 'The topic has no such partition: {reason}.',
    retriable: false,
    outcome: 'not_sent',
    raised: 'the partition option or hook names a partition that the topic does not have',
    remedy: 'Name an existing partition, or leave the choice to the partitioner.',
  },
  QUEUE_FULL: {
    message: 'No room in the send queue: {reason}.',
    retriable: true,
    outcome: 'not_sent',
    raised: 'more is sent than brokers acknowledge and the wait for room exceeded queueTimeoutMs',
    remedy: 'Send less at a time (await sends), or raise queueMaxMessages, queueMaxBytes or queueTimeoutMs.',
  },
  DELIVERY_TIMED_OUT: {
    message: 'Not acknowledged within the delivery timeout: {reason}.',
    retriable: true,
    outcome: 'unknown',
    raised: 'no acknowledgement came within deliveryTimeoutMs, retries included',
    remedy: 'Sending again may duplicate. Check the brokers.',
  },
  DELIVERY_UNCONFIRMED: {
    message: 'The broker may or may not have stored the message: {reason}.',
    retriable: true,
    outcome: 'unknown',
    raised: 'the connection or the client ended while the message was on its way, or too few replicas confirmed it',
    remedy: 'Sending again may duplicate.',
  },
  NOT_ENOUGH_REPLICAS: {
    message: 'Too few replicas are in sync to accept the message: {reason}.',
    retriable: true,
    outcome: 'rejected',
    raised: 'the partition has fewer in-sync replicas than min.insync.replicas',
    remedy: 'Wait for the replicas to come back.',
  },
  BROKER_UNAVAILABLE: {
    message: 'The broker could not serve the request now: {reason}.',
    retriable: true,
    outcome: 'rejected',
    raised: 'a transient broker condition (leader election, throttling, storage) outlived the retries',
    remedy: 'Try again later.',
  },
  BROKER_REJECTED: {
    message: 'The broker rejected the request: {reason}.',
    retriable: false,
    outcome: 'rejected',
    raised: 'the broker refuses a message or request for good',
    remedy: 'Look at `driverCode`; sending the same again will be refused again.',
  },
  PRODUCER_FENCED: {
    message: 'Another producer took over this identity: {reason}.',
    retriable: false,
    outcome: 'rejected',
    raised: 'a newer producer uses the same transactional id, or the producer epoch is stale',
    remedy: 'Close this instance; only one producer may use a transactional id.',
  },
  PRODUCER_FATAL: {
    message: 'The client hit a fatal error and cannot send any more: {reason}.',
    retriable: false,
    outcome: 'unknown',
    raised: 'idempotence guarantees cannot be kept by the current client',
    remedy: 'Restart the client; check retention and broker logs.',
  },
  TRANSACTION_INVALID: {
    message: 'The transaction is not in a state for this: {reason}.',
    retriable: false,
    outcome: 'rejected',
    raised: 'a transactional operation is made in the wrong state',
    remedy: 'Abort the transaction and begin a new one.',
  },
  TRANSACTION_ABORTED: {
    message: 'The transaction was aborted: {reason}.',
    retriable: true,
    outcome: 'not_sent',
    raised:
      'a message of a transaction fails, the transaction takes longer than transactionTimeoutMs, or the broker refuses to commit it. Nothing of it becomes visible to consumers that read committed messages; `failures` names the messages that failed',
    remedy: 'Look at `cause`; run the transaction again.',
  },
  GROUP_REJOIN_REQUIRED: {
    message: 'The consumer group is changing or has lost this member: {reason}.',
    retriable: true,
    outcome: 'rejected',
    raised: 'a rebalance is under way or the membership expired',
    remedy: 'None: the consumer joins again.',
  },
  OFFSET_UNAVAILABLE: {
    message: 'The offset cannot be used: {reason}.',
    retriable: false,
    outcome: 'rejected',
    raised: 'an offset is out of range, unknown or not stored',
    remedy: 'Seek to an existing offset.',
  },
  REQUEST_TIMED_OUT: {
    message: 'The request timed out: {reason}.',
    retriable: true,
    outcome: 'unknown',
    raised: 'a request other than a delivery got no answer in time',
    remedy: 'Try again.',
  },
  REGISTRY_CLOSED: {
    message: 'The registry is {state}; {manifest} was not sent.',
    retriable: false,
    outcome: 'not_sent',
    raised: 'something is sent after close() was called',
    remedy: 'Send before closing, or create a new instance with createMessaging().',
  },
  CLOSE_TIMED_OUT: {
    message: 'Closed before the broker acknowledged the message: {reason}.',
    retriable: true,
    outcome: 'unknown',
    raised: 'close() ended after closeTimeoutMs with messages unacknowledged; each of them fails with this code',
    remedy: 'Raise closeTimeoutMs, or send again after a restart (may duplicate).',
  },
  FLUSH_TIMED_OUT: {
    message:
      '{pending} messages were still unacknowledged after {timeoutMs} ms. They are not lost: each send settles on its own.',
    retriable: true,
    outcome: 'unknown',
    raised: 'flush() is given a time-out that runs out',
    remedy: 'Wait longer, or look at the failures of the single sends.',
  },
  SEND_ABORTED: {
    message: 'The send of {manifest} was aborted before it was handed to the driver.',
    retriable: true,
    outcome: 'not_sent',
    raised: 'the signal of a send aborts while the message still waits in the process',
    remedy: 'None: nothing was sent.',
  },
  SEND_ABANDONED: {
    message: 'The caller gave up on {manifest} after it was handed to the driver; it may still be delivered.',
    retriable: false,
    outcome: 'unknown',
    raised: 'the signal of a send aborts after the message was handed to the driver',
    remedy: 'Treat the message as possibly delivered.',
  },
  BATCH_FAILED: {
    message: '{failed} of {total} messages of {manifest} failed; the first at index {index} with {code}: {reason}',
    retriable: false,
    outcome: 'unknown',
    raised:
      'some messages of one sendMany fail; the others were sent. `failures` has index and error of each, `reports` the rest',
    remedy: 'Handle each entry of `failures` by its own code.',
  },
  CONSUMER_UNKNOWN: {
    message: '{value} is not a consumer manifest. Pass a class that extends ConsumerManifest.',
    retriable: false,
    outcome: 'not_sent',
    raised: 'something other than a consumer manifest class is passed to consumers.run() or consumers.stream()',
    remedy: 'Pass the class itself, not an instance or a name.',
  },
  CONSUMER_NOT_RUNNING: {
    message: 'No consumer {value} runs here; there runs {running}.',
    retriable: false,
    outcome: 'not_sent',
    raised: 'a consumer is paused, resumed or moved that this run, or this process, does not have',
    remedy: 'Name one that runs; each process has its own.',
  },
  LISTEN_FAILED: {
    message: 'Cannot listen on {address}: {reason}.',
    retriable: true,
    outcome: 'not_sent',
    raised:
      'the health endpoint or the control socket of consumers cannot be opened: the port is in use, the directory is open to others',
    remedy: 'Choose another port or path, or end what has it.',
  },
  CONTROL_UNREACHABLE: {
    message: 'No consumers answer at {socketPath}: {reason}.',
    retriable: true,
    outcome: 'not_sent',
    raised: '`postrider consumers` finds no process at the control socket',
    remedy: 'Start the process with --control or POSTRIDER_CONTROL_SOCKET, and name the same path, as the same user.',
  },
  CONSUMER_STOPPED: {
    message: 'The messaging instance is closed; {manifest} was not started.',
    retriable: false,
    outcome: 'not_sent',
    raised: 'consumers are started after close() was called',
    remedy: 'Create a new instance with createMessaging().',
  },
  CONSUMER_STUCK: {
    message: 'Consumer {manifest} got nothing of {partition} for {durationMs} ms, though {lag} messages are there.',
    retriable: true,
    outcome: 'not_sent',
    raised:
      'a partition that is not paused gives no message for stuckMs while its end moves on; the client is replaced',
    remedy: 'None: the consumer joins again. If it repeats, look at the brokers.',
  },
  HANDLER_FAILED: {
    message: 'The handler of {manifest} failed: {reason}.',
    retriable: true,
    outcome: 'rejected',
    raised: 'the handler of a consumer throws or rejects; `cause` has what it threw',
    remedy: 'Look at `cause`; the retry policy of the manifest decides what becomes of the message.',
  },
  HANDLER_BLOCKED: {
    message: '{manifest}.{method}() kept the event loop for {durationMs} ms.',
    retriable: false,
    outcome: 'not_sent',
    raised: 'a handler runs for blockedMs without giving the event loop back; only an event tells',
    remedy: 'Do long work in steps or in a worker thread: heartbeats of JavaScript drivers stop meanwhile.',
  },
  COMMIT_FAILED: {
    message: 'Offsets could not be committed: {reason}.',
    retriable: true,
    outcome: 'unknown',
    raised: 'the broker did not take the offsets; messages may come again',
    remedy: 'None where it is only an event: the next commit tries again. Of context.commit(): call it again.',
  },
  DEAD_LETTER_FAILED: {
    message: 'A dead letter could not be stored in {topic}: {reason}.',
    retriable: true,
    outcome: 'rejected',
    raised:
      'the dead letter topic is missing, refuses the message or is not reached; the partition waits and tries again',
    remedy:
      'Create the topic with at least the max.message.bytes of the topic it serves, or set createFailureTopics to "if-missing"; and allow the consumer to write to it.',
  },
  RETRY_TOPIC_FAILED: {
    message: 'A message could not be stored in the retry topic {topic}: {reason}.',
    retriable: true,
    outcome: 'rejected',
    raised: 'a retry topic is missing, refuses the message or is not reached; the partition waits and tries again',
    remedy:
      'Create the topic with at least the max.message.bytes of the topic it serves, or set createFailureTopics to "if-missing"; and allow the consumer to write to it and to read it.',
  },
  DEDUPE_STORE_FAILED: {
    message: 'The store of handled messages of {manifest} failed: {reason}.',
    retriable: true,
    outcome: 'rejected',
    raised: 'seen() or record() of dedupeStore throws or rejects; the partition waits and asks again',
    remedy:
      'Look at `cause`. A message that was handled waits for its id to be recorded, and is not handled again meanwhile.',
  },
  DRIVER_CANNOT_CONSUME: {
    message: 'The driver {driver} can only send.',
    retriable: false,
    outcome: 'not_sent',
    raised: 'a consumer is started with a driver that has no consumers',
    remedy: 'Choose another driver.',
  },
  INPUT_INVALID: {
    message: '{source}: {reason}.',
    retriable: false,
    outcome: 'not_sent',
    raised: 'the command line is given input it cannot use: a bad line, file, manifest or option',
    remedy: 'Correct the input the message names.',
  },
} as const satisfies Record<string, ErrorCodeEntry>

export type ErrorCode = keyof typeof errorCodes

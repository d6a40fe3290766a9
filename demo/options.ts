import { parseArgs } from 'node:util'
import { chooseInput, type DemoInput } from './input.ts'

const usage = `npm run demo -- [OPTIONS]

Publishes real input through the SDK, reads it back and compares every record.
Without options: this repository's git history, to a mock cluster inside the process.

  --input FILE          newline-delimited JSON; "-" is standard input
  --manifest FILE#CLASS the manifest for --input; without it every JSON object is an EventRecorded
  --brokers HOST:PORT,… a real Kafka instead of the mock cluster
  --schema-registry URL default "memory:", one inside the process; credentials by POSTRIDER_SCHEMA_REGISTRY_* variables
  --repeat N            publish the input N times (default 1)
  --skip-invalid        report lines that cannot be sent and go on
`

export interface Options {
  readonly input: DemoInput
  readonly brokers: readonly string[] | undefined
  readonly schemaRegistry: string
  readonly repeat: number
  readonly skipInvalid: boolean
}

/** The command line as options. @throws Error with what is wrong; ends the process after --help */
export async function readOptions(): Promise<Options> {
  const { values } = parseArgs({
    options: {
      input: { type: 'string' },
      manifest: { type: 'string' },
      brokers: { type: 'string' },
      'schema-registry': { type: 'string', default: 'memory:' },
      repeat: { type: 'string', default: '1' },
      'skip-invalid': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(usage)
    process.exit(0)
  }
  const repeat = Number(values.repeat)
  if (!Number.isInteger(repeat) || repeat < 1)
    throw new Error(`--repeat takes a whole number from 1, not ${values.repeat}`)
  if (repeat > 1 && values.input === '-')
    throw new Error('--repeat needs an input that can be read again, not standard input')
  return {
    input: await chooseInput(values.input, values.manifest),
    brokers: values.brokers?.split(','),
    schemaRegistry: values['schema-registry'],
    repeat,
    skipInvalid: values['skip-invalid'],
  }
}

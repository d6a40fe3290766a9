#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { isMessagingError } from '../errors/messaging-error.ts'
import { consumersUsage, runConsumers } from './consumers.ts'
import { consumeUsage, runConsume } from './consume.ts'
import { runSchemas, schemasUsage } from './schemas.ts'
import { runSend, sendUsage, type CommandStreams } from './send.ts'

interface Command {
  readonly summary: string
  readonly usage: string
  readonly run: (args: readonly string[], streams: CommandStreams) => Promise<number>
}

const commands: Readonly<Record<string, Command>> = {
  send: { summary: 'send lines of JSON as messages of a manifest', usage: sendUsage, run: runSend },
  consume: { summary: 'run the consumers of a file until a signal', usage: consumeUsage, run: runConsume },
  consumers: { summary: 'look at, pause, resume or move consumers that run', usage: consumersUsage, run: runConsumers },
  schemas: { summary: 'check, register or compare the schemas of manifests', usage: schemasUsage, run: runSchemas },
}

const overview = `postrider COMMAND [OPTIONS]

${Object.entries(commands)
  .map(([name, { summary }]) => `  ${name.padEnd(11)} ${summary}`)
  .join('\n')}

  --help     this text, or that of a command
  --version  the version of postrider
`

/** Runs one command line; resolves with its exit status. */
async function main(args: readonly string[], streams: CommandStreams): Promise<number> {
  const [name, ...rest] = args
  if (name === '--version') {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string
    }
    streams.stdout.write(`${version}\n`)
    return 0
  }
  const command = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined
  if (!command || rest.includes('--help')) {
    const asked = command !== undefined || name === '--help' || name === 'help'
    streams[asked ? 'stdout' : 'stderr'].write(
      command?.usage ?? (asked ? overview : `Unknown command ${name ?? '(none)'}.\n\n${overview}`),
    )
    return asked ? 0 : 2
  }
  try {
    return await command.run(rest, streams)
  } catch (error) {
    const isUsage =
      (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS') ||
      isMessagingError(error, 'INPUT_INVALID', 'CONFIG_INVALID', 'CONFIG_UNKNOWN_FIELD')
    streams.stderr.write(`${(error as Error).message}\n${isUsage ? `\n${command.usage}` : ''}`)
    return isUsage ? 2 : 1
  }
}

process.exitCode = await main(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  environment: process.env,
})

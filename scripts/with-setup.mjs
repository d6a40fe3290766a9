// Entry point of the npm scripts: brings node_modules into shape, then runs a command in it.
//
//   node scripts/with-setup.mjs                    set up only
//   node scripts/with-setup.mjs vitest run         set up, then run a command under the pinned Node
//
// Runs on any Node from 20 on, because the pinned Node is one of the things it installs. Linux and macOS; Windows is out of scope.

import { fileURLToPath } from 'node:url'
import { installDependencies } from './setup/dependencies.mjs'
import { installDriver } from './setup/native-driver.mjs'
import { installPinnedNode } from './setup/pinned-node.mjs'
import { createProgress, SetupError } from './setup/progress.mjs'
import { runCommand } from './setup/run-command.mjs'
import { withSetupLock } from './setup/setup-lock.mjs'
import { isSetUp } from './setup/stamps.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const command = process.argv.slice(2)

try {
  if (!isSetUp(root)) {
    const progress = createProgress()
    await withSetupLock(root, progress, async () => {
      await installDependencies(root, progress)
      await installPinnedNode(root, progress)
      await installDriver(root, progress)
    })
    progress.removeLog()
  }
  if (command.length > 0) await runCommand(root, command)
} catch (error) {
  if (!(error instanceof SetupError)) throw error
  process.stderr.write(`\n${error.message}\n`)
  process.exitCode = 1
}

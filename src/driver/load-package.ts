import { MessagingError } from '../errors/messaging-error.ts'

/**
 * Imports the package that a driver is made with: an optional peer, so it may not be there.
 * @param importIt imports it, in the file that knows what the package is
 * @throws DRIVER_NOT_INSTALLED, DRIVER_LOAD_FAILED
 */
export async function loadPackage<Package extends object>(
  driver: string,
  packageName: string,
  importIt: () => Promise<Package>,
): Promise<Package> {
  try {
    return await importIt().catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ERR_VM_DYNAMIC_IMPORT_CALLBACK_MISSING') throw error
      return requirePackage<Package>(packageName)
    })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    // Only the first line: the rest is a stack of paths, which may go through the package itself.
    const [reason = 'unknown reason'] = message.split('\n')
    if ((code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') && reason.includes(packageName))
      throw new MessagingError('DRIVER_NOT_INSTALLED', { driver, package: packageName }, { cause: error })
    throw new MessagingError('DRIVER_LOAD_FAILED', { driver, package: packageName, reason }, { cause: error })
  }
}

/** Code that comes out of a V8 startup snapshot has no import() and no place of its own: the working directory stands in. */
function requirePackage<Package extends object>(packageName: string): Package {
  const { createRequire } = process.getBuiltinModule('node:module')
  const loaded = createRequire(`${process.cwd()}/`)(packageName) as Package
  return 'default' in loaded ? loaded : { ...loaded, default: loaded }
}

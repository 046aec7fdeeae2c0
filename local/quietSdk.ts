/**
 * The AWS SDK warns at its first client that releases from 2027 on need Node 22. This product supports
 * Node 20 with the SDK in its lockfile, so in a program of its own the warning only hides what matters.
 */
export function quietSdk(): void {
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
}

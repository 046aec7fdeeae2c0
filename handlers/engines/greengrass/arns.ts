/** ARNs of Greengrass V2 resources and of things, of one account and region. */
export interface GreengrassArns {
  thing(name: string): string;
  componentVersion(name: string, version: string): string;
}

/** `thingArnPrefix`: `arn:<partition>:iot:<region>:<account>:thing/`. */
export function greengrassArns(thingArnPrefix: string): GreengrassArns {
  const [, partition, , region, account] = thingArnPrefix.split(':');
  return {
    thing: (name) => `${thingArnPrefix}${name}`,
    componentVersion: (name, version) =>
      `arn:${partition}:greengrass:${region}:${account}:components:${name}:versions:${version}`,
  };
}

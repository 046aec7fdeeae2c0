'use strict';

/** Stands in for a module that only a V1 core has: what aws-greengrass-core-sdk takes from it. */
class FunctionArnFields {
  constructor(arn) {
    const fields = arn.split(':');
    this.unqualifiedArn = fields.slice(0, 7).join(':');
    this.qualifier = fields[7];
  }
}

class LocalWatchLogger {
  debug() {}
  error() {}
}

module.exports = {
  envVars: { ROUTER_FUNCTION_ARN: 'arn:aws:lambda:::function:GGRouter', AUTH_TOKEN: 'token' },
  FunctionArnFields,
  buildFunctionArn: (unqualified, qualifier) => (qualifier ? `${unqualified}:${qualifier}` : unqualified),
  logging: { LocalWatchLogger },
};

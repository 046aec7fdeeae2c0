import type { EdgeSection } from 'serverless-edge-on-demand';

/** One list for both sections: a turbine has a thing of the same name. */
const turbines = ['turbine-1', 'turbine-2', 'turbine-3'];

const edge: EdgeSection = {
  topics: { prefix: 'wind' },
  groups: {
    ridge: {
      core: 'ridge-hut',
      devices: turbines,
      functions: ['detectVibration'],
    },
  },
  functions: {
    detectVibration: { version: '1.0.0', devices: turbines, instances: 4, environment: { LIMIT: '7.1' } },
    forecastYield: { locations: ['cloud'] },
  },
};

const configuration = {
  service: 'wind-park',
  plugins: ['serverless-esbuild', 'serverless-edge-on-demand'],
  provider: { name: 'aws', region: 'eu-west-1', runtime: 'nodejs22.x', memorySize: 192 },
  package: { individually: true },
  functions: {
    detectVibration: { handler: 'src/detectVibration.handler' },
    forecastYield: { handler: 'src/forecastYield.handler', timeout: 20 },
  },
  edge,
};

module.exports = configuration;

import { engineConformance } from './conformance/suite';
import { directWorld } from './direct/conformanceWorld';
import { greengrassV2World } from './greengrass/conformanceWorld';
import { greengrassWorld } from './greengrassV1/conformanceWorld';

describe('engine direct', () => engineConformance(directWorld));
describe('engine greengrassv2, delivery hot', () => engineConformance(() => greengrassV2World('hot')));
describe('engine greengrassv2, delivery components', () =>
  engineConformance(() => greengrassV2World('components')));
describe('engine greengrass', () => engineConformance(greengrassWorld));

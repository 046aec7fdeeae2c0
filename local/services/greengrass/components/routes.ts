import { z } from 'zod';
import { EdgeError } from '../../../../protocol';
import { parseRecipe, type Recipe } from '../../../../protocol/greengrass/recipe';
import { ANY_RESOURCE, type RestCall, type RestRoute } from '../../../base/rest/service';
import { route, type GreengrassContext } from '../context';
import {
  clientTokenSchema,
  conflict,
  invalidField,
  pageFor,
  readInput,
  seconds,
  tagsSchema,
  wordOf,
} from '../input';
import { prepareComponent } from './artifacts';
import type { ComponentRecord } from './store';

const createSchema = z.strictObject({
  /** Base64 on the wire. */
  inlineRecipe: z.base64(),
  tags: tagsSchema.default({}),
  clientToken: clientTokenSchema.optional(),
});

/** Component versions of the account. */
export function componentRoutes(context: GreengrassContext): RestRoute[] {
  return [...versionRoutes(context), ...listRoutes(context)];
}

const arnOf = (call: RestCall): string => call.param('arn');

function versionRoutes(context: GreengrassContext): RestRoute[] {
  const { components, arns, now } = context;
  const path = '/greengrass/v2/components/{arn}' as const;
  const requireVersion = (call: RestCall): ComponentRecord => {
    const { name, version } = arns.parseComponentVersion(arnOf(call));
    return components.require(name, version);
  };
  return [
    route(
      'CreateComponentVersion',
      'POST /greengrass/v2/createComponentVersion',
      (call) => arns.component(readRecipe(call).ComponentName),
      (call) => {
        const recipe = readRecipe(call);
        const { tags, clientToken } = readInput(call, createSchema);
        return context.tokens.once('CreateComponentVersion', clientToken, () => {
          const record = create(context, recipe, tags, call.principal.role?.arn);
          return { ...nameOf(context, record), creationTimestamp: seconds(now()), status: statusOf(record) };
        });
      },
      { status: 201 },
    ),
    route('DescribeComponent', `GET ${path}/metadata`, arnOf, (call) => {
      const record = requireVersion(call);
      return { ...describe(context, record), status: statusOf(record), tags: record.tags };
    }),
    route('GetComponent', `GET ${path}`, arnOf, (call) => {
      const recipeOutputFormat = wordOf(call, 'recipeOutputFormat', ['JSON', 'YAML']);
      if (recipeOutputFormat === 'YAML') {
        throw invalidField('the local cloud gives recipes as JSON', 'recipeOutputFormat');
      }
      const { recipe, tags } = requireVersion(call);
      return { recipeOutputFormat, recipe: encode(recipe), tags };
    }),
    route(
      'DeleteComponent',
      `DELETE ${path}`,
      arnOf,
      (call) => {
        const { recipe, state } = requireVersion(call);
        const { ComponentName: name, ComponentVersion: version } = recipe;
        if (state === 'REQUESTED' || state === 'INITIATED') {
          throw conflict(`${name}:${version} is being created`, 'componentVersion', arnOf(call));
        }
        components.remove(name, version);
      },
      { status: 204 },
    ),
  ];
}

function listRoutes(context: GreengrassContext): RestRoute[] {
  const { components, arns } = context;
  return [
    route('ListComponents', 'GET /greengrass/v2/components', ANY_RESOURCE, (call) => {
      const scope = wordOf(call, 'scope', ['PRIVATE', 'PUBLIC']);
      const page = pageFor(scope === 'PRIVATE' ? components.latest() : [], call);
      const listed = page.items.map((record) => {
        const { componentName, ...latestVersion } = describe(context, record);
        return { arn: arns.component(componentName), componentName, latestVersion };
      });
      return { components: listed, nextToken: page.next };
    }),
    route('ListComponentVersions', 'GET /greengrass/v2/components/{arn}/versions', arnOf, (call) => {
      const page = pageFor(components.versions(arns.parseComponent(arnOf(call))), call);
      const componentVersions = page.items.map((record) => nameOf(context, record));
      return { componentVersions, nextToken: page.next };
    }),
  ];
}

function create(
  context: GreengrassContext,
  recipe: Recipe,
  tags: Record<string, string>,
  callerRole: string | undefined,
): ComponentRecord {
  const { ComponentName: name, ComponentVersion: version } = recipe;
  const existing = context.components.find(name, version);
  if (existing !== undefined && existing.state !== 'FAILED') {
    throw conflict(
      `Component [${name} : ${version}] for account [${context.cloud.account}] already exists with state: [${existing.state}]`,
      'componentVersion',
      context.arns.componentVersion(name, version),
    );
  }
  const record: ComponentRecord = {
    recipe,
    createdAt: context.now(),
    state: 'REQUESTED',
    message: 'NONE',
    errors: {},
    tags,
    ...(callerRole !== undefined && { callerRole }),
  };
  context.components.save(record);
  context.later(() => prepareComponent(context, record));
  return record;
}

function readRecipe(call: RestCall): Recipe {
  const { inlineRecipe } = readInput(call, createSchema);
  const bytes = Buffer.from(inlineRecipe, 'base64');
  try {
    return parseRecipe(bytes);
  } catch (error) {
    if (error instanceof EdgeError) throw invalidField(error.message, 'inlineRecipe');
    throw error;
  }
}

export function encode(recipe: Recipe): string {
  return Buffer.from(JSON.stringify(recipe)).toString('base64');
}

function statusOf({ state, message, errors }: ComponentRecord): Record<string, unknown> {
  return { componentState: state, message, errors };
}

function nameOf({ arns }: GreengrassContext, { recipe }: ComponentRecord) {
  const { ComponentName: componentName, ComponentVersion: componentVersion } = recipe;
  return { arn: arns.componentVersion(componentName, componentVersion), componentName, componentVersion };
}

function describe(context: GreengrassContext, record: ComponentRecord) {
  const { recipe, createdAt } = record;
  return {
    ...nameOf(context, record),
    creationTimestamp: seconds(createdAt),
    publisher: recipe.ComponentPublisher,
    description: recipe.ComponentDescription,
    platforms: recipe.Manifests.map(({ Name, Platform = {} }) => ({ name: Name, attributes: Platform })),
  };
}

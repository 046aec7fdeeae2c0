import { GetObjectCommand, NoSuchKey } from '@aws-sdk/client-s3';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { readingsObject, s3 } from './bucket';

export async function handler({ pathParameters }: APIGatewayProxyEventV2) {
  try {
    const { Body } = await s3.send(new GetObjectCommand(readingsObject(pathParameters?.['store'])));
    return {
      statusCode: 200,
      headers: { 'content-type': 'application/json' },
      body: await Body?.transformToString(),
    };
  } catch (error) {
    if (error instanceof NoSuchKey) return { statusCode: 404 };
    throw error;
  }
}

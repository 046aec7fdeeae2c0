/** aws-greengrass-core-sdk has no types; these are the two calls of it that are made here. */
declare module 'aws-greengrass-core-sdk/iotdata' {
  export default class IotData {
    publish(
      params: { topic: string; payload: string; queueFullPolicy?: string },
      done: (error: Error | null, data: unknown) => void,
    ): void;
  }
}

declare module 'aws-greengrass-core-sdk/lambda' {
  interface Result {
    FunctionError?: string;
    StatusCode?: number;
    Payload?: Buffer | string;
  }
  export default class Lambda {
    invoke(
      params: {
        FunctionName: string;
        InvocationType: 'Event' | 'RequestResponse';
        Payload: string;
        ClientContext?: string;
      },
      done: (error: Error | null, data: string | Result | null) => void,
    ): void;
  }
}

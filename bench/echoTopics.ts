export const ECHO_ASK = 'echo/ask';
export const ECHO_REPLY = 'echo/reply';

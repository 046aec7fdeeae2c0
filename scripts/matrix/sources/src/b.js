exports.handler = async (event) => ({ from: 'b', event });

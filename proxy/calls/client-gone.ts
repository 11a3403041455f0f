/** Why a call is given up on whose client has gone: nobody is told of it. */
export const clientGone = new Error('The client has gone and the call did not end in time');

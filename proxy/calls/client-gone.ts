/** The reason for giving up a call whose client has gone. Nobody sees it. */
export const clientGone = new Error('The client has gone and the call did not end in time');

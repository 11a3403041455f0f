// What a page states about its chat (docs/support.md has all options). The key is a public one: every visitor can read it.
window.ChaperoneConfig = {
  apiKey: 'pk_globex_example_for_pages_on_this_machine',
  title: 'Globex Lamps',
  greeting: 'Hi! How can I help you with your lamps?',
  theme: {
    primaryColor: '#0b6e4f',
    borderRadius: '14px',
  },
};

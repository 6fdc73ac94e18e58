return {
  origins = { web = { url = "http://127.0.0.1:3000" } },
  distributions = include "sites/*.lua",
}

-- A small site served from a folder. Start it with `make demo`, or from here: edged run -c edge.lua
-- The file returns one plain table; every name in it is checked, and `edged check -c edge.lua` lists all mistakes.

return {
  listen = { { address = "127.0.0.1:" .. env("PORT", "8080") } },

  origins = {
    site = { files = "public" },                        -- the embedded origin: no other server is needed
  },

  distributions = {
    quickstart = {
      domains = { "*" },                                -- whatever the Host field says
      default_root_object = "index.html",
      error_pages = { [404] = { path = "/errors/404.html", status = 404, ttl = "10s" } },
      behaviors = {
        -- First match wins. Data for programs: any web page may read it, and it may only be read.
        { path = "/data/*", origin = "site", methods = "options", cache = "off",
          response_headers = { set = { ["x-content-type-options"] = "nosniff" },
                               cors = { origins = { "*" }, methods = { "GET" }, max_age = "10m" } } },
        -- Everything else: pages for people, and two functions from functions/ (an edit is seen after `edged reload`).
        -- What is fetched is kept; a folder is asked again after two seconds, so an edit of a file is seen about at once.
        { path = "*", origin = "site", methods = "read",
          functions = { viewer_request = { "hello" }, viewer_response = { "stamp" } },
          response_headers = { set = { ["x-content-type-options"] = "nosniff",
                                       ["referrer-policy"] = "same-origin",
                                       ["content-security-policy"] = "default-src 'self'" } } },
      },
    },
  },
}

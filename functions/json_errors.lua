-- json_errors: gives programs an error that they can read, whoever made it: the origin, the edge or a function.
--
--   viewer_response = { { name = "shelf/json_errors", options = { paths = { "/api/" } } } }
--
--   {"error":{"status":502,"title":"Bad Gateway","request":"…"}}
--
-- An error that is JSON already stays as it is, and so does every answer below 400.
--
-- Options:
--   paths  list of beginnings of paths where every error is JSON; elsewhere, and without paths, only clients whose
--          Accept has JSON and no HTML get it

local titles = {
  [400] = "Bad Request", [401] = "Unauthorized", [403] = "Forbidden", [404] = "Not Found", [405] = "Method Not Allowed",
  [406] = "Not Acceptable", [408] = "Request Timeout", [409] = "Conflict", [410] = "Gone", [413] = "Content Too Large",
  [415] = "Unsupported Media Type", [416] = "Range Not Satisfiable", [422] = "Unprocessable Content",
  [429] = "Too Many Requests", [500] = "Internal Server Error", [502] = "Bad Gateway", [503] = "Service Unavailable",
  [504] = "Gateway Timeout",
}

local function wants_json(event)
  for _, beginning in ipairs(event.options.paths or {}) do
    if string.sub(event.request.path, 1, #beginning) == beginning then return true end
  end
  local accept = event.request.headers.accept or ""
  return string.find(accept, "json", 1, true) ~= nil and not string.find(accept, "text/html", 1, true)
end

local function viewer_response(event)
  if event.options.paths ~= nil and type(event.options.paths) ~= "table" then
    error("json_errors: options.paths is a list of beginnings of paths", 0)
  end
  local response = event.response
  local kind = response.headers["content-type"] or ""
  if response.status < 400 or string.find(kind, "json", 1, true) or not wants_json(event) then return end
  local title = titles[response.status] or (response.status < 500 and "Client Error" or "Server Error")
  response.headers["content-type"] = "application/json"
  -- Nothing in here needs to be escaped: a number, words of ours, and the id.
  response.body = string.format(
    "{\"error\":{\"status\":%d,\"title\":\"%s\",\"request\":\"%s\"}}\n", response.status, title, event.id)
end

return { viewer_response = viewer_response }

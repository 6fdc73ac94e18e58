-- request_id: one id for a request, in the origin's log, in ours and in the answer.
--
--   viewer_request  = { "shelf/request_id" },
--   viewer_response = { "shelf/request_id" },
--
-- Options:
--   header  default "x-request-id"
--   trust   true keeps an id that the viewer sends, if it is one; only where viewers are machines of yours

local function settings(options)
  local header = options.header or "x-request-id"
  if type(header) ~= "string" then error("request_id: options.header is a header's name", 0) end
  return header, options.trust == true
end

local function is_id(text)
  return text ~= nil and #text <= 128 and string.find(text, "^[%w._%-]+$") ~= nil
end

local function viewer_request(event)
  local header, trusts = settings(event.options)
  local given = event.request.headers[header]
  local id = trusts and is_id(given) and given or event.id
  event.request.headers[header] = id
  event.state.request_id = id
  if id ~= event.id then event.log.request_id = id end
end

local function viewer_response(event)
  local header = settings(event.options)
  event.response.headers[header] = event.state.request_id or event.id
end

return { viewer_request = viewer_request, viewer_response = viewer_response }

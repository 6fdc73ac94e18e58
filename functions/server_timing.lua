-- server_timing: shows in a browser's network panel how long the edge took, and who made the answer.
--
--   viewer_request  = { "shelf/server_timing" },
--   viewer_response = { "shelf/server_timing" },
--
-- The answer gets `Server-Timing: edge;dur=12.3, source;desc="origin"` behind what the origin says there.
--
-- Options:
--   name  default "edge"

local function viewer_request(event) event.state.server_timing_began = edge.time.now() end

local function viewer_response(event)
  local name = event.options.name or "edge"
  if type(name) ~= "string" or not string.find(name, "^[%w_%-]+$") then
    error("server_timing: options.name is one word", 0)
  end
  local began = event.state.server_timing_began
  local entries = string.format("source;desc=\"%s\"", event.response.source)
  if began then
    entries = string.format("%s;dur=%.1f, %s", name, (edge.time.now() - began) * 1000, entries)
  end
  event.response.headers:add("server-timing", entries)
end

return { viewer_request = viewer_request, viewer_response = viewer_response }

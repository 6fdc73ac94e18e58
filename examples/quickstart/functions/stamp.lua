-- stamp: writes on every answer who made it and, where hello.lua noted the time, how long that took.

local function viewer_response(event)
  local response = event.response
  local stamp = "by=" .. response.source
  if event.state.began then
    stamp = string.format("%s; ms=%.1f", stamp, (edge.time.now() - event.state.began) * 1000)
  end
  response.headers["x-stamp"] = stamp
end

return { viewer_response = viewer_response }

-- hello: answers /hello at the edge, and gives pages short addresses. Its test lies beside it: edged test functions/

local function viewer_request(event)
  local request = event.request
  event.state.began = edge.time.now()   -- for stamp.lua, which runs when the answer goes out
  if request.path == "/hello" then
    local name = request.query.name or "stranger"
    return { status = 200, headers = { ["content-type"] = "text/plain; charset=utf-8" }, body = "Hello, " .. name .. "!\n" }
  end
  if request.path == "/notes" then request.path = "/notes.txt" end
end

return { viewer_request = viewer_request }

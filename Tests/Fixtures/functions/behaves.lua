-- Does one odd thing for each path, for behaves.test.lua.

local calls = 0

local paths = {
  ["/sleep"] = function(event)
    edge.sleep(2.5)
    event.state.time = edge.time.now()
  end,
  ["/long"] = function() edge.sleep(60) end,
  ["/loop"] = function() while true do end end,
  ["/raise"] = function()
    local nothing
    return nothing.field
  end,
  ["/framing"] = function(event) event.request.headers.connection = "close" end,
  ["/number"] = function() return 7 end,
  ["/log"] = function(event)
    edge.log("hello", { a = 1 })
    print("x", 2)
    event.log.kind = "odd"
  end,
  ["/count"] = function(event)
    calls = calls + 1
    event.state.calls = calls
  end,
  ["/secret"] = function(event) event.state.secret = event.secrets.key end,
  ["/values"] = function(event)
    event.state.back = event.state.there
    event.state.call = print
  end,
  ["/viewer"] = function(event)
    local viewer = event.viewer
    event.state.seen = { viewer.ip, viewer.protocol, viewer.country, viewer.asn, viewer.tls ~= nil, event.id, event.behavior }
  end,
  ["/read"] = function(event)
    local body = event.request.body
    event.state.whole = body:read()
    event.state.pieces = {}
    for piece in body:chunks() do table.insert(event.state.pieces, piece) end
  end,
  ["/map"] = function(event)
    local body = event.request.body
    event.request.body = body:map(function(piece)
      edge.sleep(1)
      return piece and string.upper(piece) .. "," or "end"
    end)
  end,
  ["/map/breaks"] = function(event)
    event.request.body = event.request.body:map(function() error("torn") end)
  end,
  ["/fetch"] = function(event)
    local url, state, _ = "http://a.example/x", event.state, nil
    state.first = edge.fetch(url, { method = "POST", headers = { ["X-B"] = "3" }, body = "sent" })
    state.second = edge.fetch(url)
    _, state.third = edge.fetch({ origin = "b", path = "/y" })
    state.fourth = edge.all({ function() return edge.fetch(url) end })[1][1].body
    _, state.large = edge.fetch(url, { max_body = 2 })
  end,
  ["/fetch/quietly"] = function(event) pcall(edge.fetch, "http://a.example/x") end,
  ["/fetch/loudly"] = function(event) error(edge.fetch({ origin = "b", path = "/y" })) end,
}

return {
  viewer_request = function(event)
    local handler = paths[event.request.path]
    if handler then return handler(event) end
  end,
  origin_request = function(event) event.origin = event.origin.name .. "-2" end,
  viewer_response = function(event)
    local response = event.response
    response.cookies.a = { value = "1", path = "/" }
    response.cookies.b = "2"
    response.status = response.status + 1
    if response.headers["x-body"] then response.body = "new" end
  end,
}

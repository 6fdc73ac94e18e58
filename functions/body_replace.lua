-- body_replace: puts other texts in the place of some, while the body streams through.
--
--   origin_response = { { name = "shelf/body_replace", options = {
--     replace = { ["http://intern.example"] = "https://www.example.com", ["©2019"] = "©2026" },
--   } } }
--
-- At origin_response the cache keeps the result; at viewer_response it is made anew for every viewer. Memory stays flat
-- however large the body is: only as many bytes are held back as the longest text has. A kilobyte costs some 400
-- instructions and 65 for each text; each replacement 50, and 8 for each text that occurs in the piece. The limit
-- (functions.limits.instructions) is for a piece of the body, which has 64 KB at most.
--
-- Options:
--   replace  from a text to what stands in its place, both as they are, no patterns; needed
--   types    list of beginnings of Content-Type; default { "text/", "application/json", "application/javascript" }

local find, sub = string.find, string.sub
local prepared = {}   -- by the options of the attachment

local function prepare(options)
  if type(options.replace) ~= "table" then error("body_replace: options.replace gives each text another one", 0) end
  if options.types ~= nil and type(options.types) ~= "table" then
    error("body_replace: options.types is a list such as { \"text/\" }", 0)
  end
  local settings = { texts = {}, longest = 1, types = options.types or { "text/", "application/json", "application/javascript" } }
  for from, to in pairs(options.replace) do
    if type(from) ~= "string" or from == "" or type(to) ~= "string" then
      error("body_replace: options.replace[\"" .. tostring(from) .. "\"]: a text gives a text", 0)
    end
    table.insert(settings.texts, { from = from, to = to })
    settings.longest = math.max(settings.longest, #from)
  end
  table.sort(settings.texts, function(a, b) return #a.from > #b.from end)   -- where two begin, the longer one counts
  prepared[options] = settings
  return settings
end

-- The texts that stand in `body`, and where each of them does so first.
local function found(texts, body)
  local present, places = {}, {}
  for _, text in ipairs(texts) do
    local place = find(body, text.from, 1, true)
    if place then
      table.insert(present, text)
      table.insert(places, place)
    end
  end
  return present, places
end

local function replacing(settings)
  local held = ""   -- its end may be the beginning of a text
  return function(chunk)
    local body = held .. (chunk or "")
    local decided = chunk and #body - settings.longest + 1 or #body   -- whatever begins up to here has ended, too
    local texts, places = found(settings.texts, body)
    local parts, count, start = {}, 0, 1
    while true do
      local at, text = decided + 1, nil
      for i = 1, #texts do
        local place = places[i]
        if place < start then   -- it was used, or overlaps what was
          place = find(body, texts[i].from, start, true) or math.huge
          places[i] = place
        end
        if place < at then at, text = place, texts[i] end
      end
      if not text then break end
      parts[count + 1], parts[count + 2] = sub(body, start, at - 1), text.to
      count, start = count + 2, at + #text.from
    end
    local stop = math.max(start - 1, decided)
    parts[count + 1] = sub(body, start, stop)
    held = sub(body, stop + 1)
    return table.concat(parts)
  end
end

local function response(event)
  local settings = prepared[event.options] or prepare(event.options)
  local answer = event.response
  local kind = string.lower(answer.headers["content-type"] or "")
  for _, beginning in ipairs(settings.types) do
    if string.sub(kind, 1, #beginning) == beginning then
      answer.body = answer.body:map(replacing(settings))
      return
    end
  end
end

return { origin_response = response, viewer_response = response }

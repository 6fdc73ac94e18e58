-- image_negotiation: gives every browser the best image format that it takes, from files that lie side by side.
--
--   viewer_request  = { "shelf/image_negotiation" },
--   viewer_response = { "shelf/image_negotiation" },
--
-- `/cat.jpg` becomes `/cat.jpg.avif` for a browser whose Accept has `image/avif`, `/cat.jpg.webp` for one that has
-- `image/webp`, and stays for others. The path changes before the cache is asked, so every format has its own entry.
--
-- Options:
--   formats     what lies there, best first; default { "avif", "webp" }
--   extensions  of the images that have such siblings; default { "jpg", "jpeg", "png" }
--   replace     true: `/cat.avif` instead of `/cat.jpg.avif`

local prepared = {}   -- by the options of the attachment

local function prepare(options)
  for _, name in ipairs { "formats", "extensions" } do
    if options[name] ~= nil and type(options[name]) ~= "table" then
      error("image_negotiation: options." .. name .. " is a list such as { \"avif\", \"webp\" }", 0)
    end
  end
  local settings = { formats = options.formats or { "avif", "webp" }, extensions = {}, replaces = options.replace == true }
  for _, extension in ipairs(options.extensions or { "jpg", "jpeg", "png" }) do settings.extensions[extension] = true end
  prepared[options] = settings
  return settings
end

local function takes(accept, format)
  local from, to = string.find(accept, "image/" .. format, 1, true)
  if not from then return false end
  local quality = string.match(accept, "^%s*;%s*q=([%d.]+)", to + 1)
  return not quality or (tonumber(quality) or 0) > 0
end

local function viewer_request(event)
  local settings = prepared[event.options] or prepare(event.options)
  local request = event.request
  local stem, extension = string.match(request.path, "^(.+)%.(%w+)$")
  if not stem or not settings.extensions[string.lower(extension)] then return end
  event.state.image_negotiated = true
  local accept = request.headers.accept or ""
  for _, format in ipairs(settings.formats) do
    if takes(accept, format) then
      local path = (settings.replaces and stem or request.path) .. "." .. format
      if #path <= 8192 then request.path = path end   -- longer ones cannot be
      return
    end
  end
end

-- Other caches on the way must know that the answer depends on Accept.
local function viewer_response(event)
  if event.state.image_negotiated then event.response.headers:add("vary", "Accept") end
end

return { viewer_request = viewer_request, viewer_response = viewer_response }

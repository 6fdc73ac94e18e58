return { viewer_request = function(event) end }

return { viewer_response = function(event) end }

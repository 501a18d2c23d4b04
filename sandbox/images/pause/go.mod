module slipway/pause

go 1.22

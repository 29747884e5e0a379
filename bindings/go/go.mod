module pvmscope/bindings/go

go 1.19

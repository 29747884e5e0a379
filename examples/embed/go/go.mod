module pvmscope/examples/embed/go

go 1.21

require pvmscope/bindings/go v0.0.0

replace pvmscope/bindings/go => ../../../bindings/go

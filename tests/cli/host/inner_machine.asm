.spec 0.7.2
    load_imm r2, 4096
    sbrk r1, r2
    store_imm_ind_u32 r1, 0, 0x10000
    store_imm_ind_u8 r1, 4, 1
    store_imm_ind_u32 r1, 200, 1000
    add_imm_64 r7, r1, 0
    load_imm r8, 5
    load_imm r9, 0
    ecalli 8
    add_imm_64 r8, r1, 200
    ecalli 12
    load_imm r7, 0
    ecalli 13
    jump_ind r0, 0

//! The SQL of both table families (spec/user-1.0.md, 8.1 and 8.2), with the original's names.
//!
//! Where accounts are read, the columns are: id, name, hash, address, status, node.
//! Nothing here adds a column: the original must be able to go on using its tables.

/// The statements of one family.
pub(super) struct Statements {
    /// The accounts of `:name` and of `:lowered`, by id.
    pub(super) by_name: &'static str,
    /// How many accounts there are.
    pub(super) count: &'static str,
    /// The first hash at or above the id `:start`.
    pub(super) decoy: &'static str,
    /// Removes `:id`.
    pub(super) delete: &'static str,
    /// The hash of `:id`.
    pub(super) hash: &'static str,
    /// The highest id.
    pub(super) highest: &'static str,
    /// Makes an account of `:id`, `:name`, `:hash`, `:email`, `:status` and, where there is a column
    /// for it, `:node`.
    pub(super) insert: &'static str,
    /// All accounts, by id.
    pub(super) list: &'static str,
    /// Replaces the hash `:old` of `:id` by `:hash`, unless it was changed meanwhile.
    pub(super) rehash: &'static str,
    /// Sets the name of `:id` to `:name`.
    pub(super) rename: &'static str,
    /// Sets the address of `:id` to `:email`.
    pub(super) set_email: &'static str,
    /// Sets the hash of `:id` to `:hash`.
    pub(super) set_password: &'static str,
    /// Sets the status of `:id` to `:status`.
    pub(super) set_status: &'static str,
    /// The names that are `:lowered` in lower case, but for that of `:id`.
    pub(super) similar: &'static str,
    /// The table's name.
    pub(super) table: &'static str,
}

/// `user`, of `services.user.sql.SQLUser`.
pub(super) static USER: Statements = Statements {
    by_name: r#"
        SELECT userid, username, password, mail, "accountStatus", "syncNode"
        FROM "user"
        WHERE username = :name
        ORDER BY userid
    "#,
    count: r#"SELECT COUNT(*) FROM "user""#,
    decoy: r#"
        SELECT password
        FROM "user"
        WHERE userid >= :start AND password IS NOT NULL
        ORDER BY userid
        LIMIT 1
    "#,
    delete: r#"DELETE FROM "user" WHERE userid = :id"#,
    hash: r#"SELECT password FROM "user" WHERE userid = :id"#,
    highest: r#"SELECT MAX(userid) FROM "user""#,
    insert: r#"
        INSERT INTO "user"
            (userid, username, password, "accountStatus", mail, "mailVerified", "syncNode")
        VALUES (:id, :name, :hash, :status, :email, 0, :node)
    "#,
    list: r#"
        SELECT userid, username, password, mail, "accountStatus", "syncNode"
        FROM "user"
        ORDER BY userid
    "#,
    rehash: r#"UPDATE "user" SET password = :hash WHERE userid = :id AND password = :old"#,
    rename: r#"UPDATE "user" SET username = :name WHERE userid = :id"#,
    set_email: r#"UPDATE "user" SET mail = :email WHERE userid = :id"#,
    set_password: r#"UPDATE "user" SET password = :hash WHERE userid = :id"#,
    set_status: r#"UPDATE "user" SET "accountStatus" = :status WHERE userid = :id"#,
    similar: r#"SELECT username FROM "user" WHERE LOWER(username) = :lowered AND userid <> :id"#,
    table: "user",
};

/// `users`, of `services.auth.sql.SQLAuth`.
pub(super) static USERS: Statements = Statements {
    by_name: "
        SELECT id, username, password_hash, email, status, NULL
        FROM users
        WHERE username = :name
        ORDER BY id
    ",
    count: "SELECT COUNT(*) FROM users",
    decoy: "
        SELECT password_hash
        FROM users
        WHERE id >= :start AND password_hash IS NOT NULL
        ORDER BY id
        LIMIT 1
    ",
    delete: "DELETE FROM users WHERE id = :id",
    hash: "SELECT password_hash FROM users WHERE id = :id",
    highest: "SELECT MAX(id) FROM users",
    insert: "
        INSERT INTO users (id, username, password_hash, email, status)
        VALUES (:id, :name, :hash, :email, :status)
    ",
    list: "
        SELECT id, username, password_hash, email, status, NULL
        FROM users
        ORDER BY id
    ",
    rehash: "UPDATE users SET password_hash = :hash WHERE id = :id AND password_hash = :old",
    rename: "UPDATE users SET username = :name WHERE id = :id",
    set_email: "UPDATE users SET email = :email WHERE id = :id",
    set_password: "UPDATE users SET password_hash = :hash WHERE id = :id",
    set_status: "UPDATE users SET status = :status WHERE id = :id",
    similar: "SELECT username FROM users WHERE LOWER(username) = :lowered AND id <> :id",
    table: "users",
};

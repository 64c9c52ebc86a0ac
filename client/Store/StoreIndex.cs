using System.Globalization;
using Microsoft.Data.Sqlite;

namespace GlobalCache.Client.Store;

/// <summary>
/// What is known about each content file, in SQLite: one row an asset. The id is the first eight bytes of the file's name. One
/// connection, used by one thread at a time; the file belongs to one process (the store's lock), so SQLite needs no locking of its own.
/// </summary>
/// <remarks>
/// WAL with synchronous = NORMAL: a killed process loses no committed row, a power cut at most the last ones, whose files are then
/// swept. Every method may throw <see cref="SqliteException"/> when the disk fails or is full.
/// </remarks>
internal sealed class StoreIndex : IDisposable
{
    /// <summary>Of the whole folder: what lies in the files and where, and the tables. A store of an earlier version is carried over where it is opened, a later one refused.</summary>
    public const int Version = 1;

    private readonly SqliteConnection _connection;
    private readonly SqliteCommand _rows, _insert, _nameOf, _delete, _update, _move, _next, _begin, _commit, _rollback;

    private StoreIndex(SqliteConnection connection)
    {
        _connection = connection;
        // A flipped bit may leave any value of any type in a row; what is no row of ours is not there.
        const string whole = "typeof(plain) = 'integer' AND plain BETWEEN 1 AND 67108864 AND typeof(name) = 'blob' AND typeof(digest) = 'blob' "
            + "AND typeof(place) = 'integer' AND typeof(uses) = 'integer' AND uses BETWEEN 0 AND 255 AND typeof(main) = 'integer'";
        _rows = Prepare($"SELECT id, plain, place, uses, main FROM asset WHERE id BETWEEN $a AND $b AND {whole}", "$a", "$b");
        _insert = Prepare("INSERT OR REPLACE INTO asset(id, name, plain, digest, place, main, uses) VALUES($a, $b, $c, $d, $e, $f, 0)",
            "$a", "$b", "$c", "$d", "$e", "$f");
        _nameOf = Prepare("SELECT name FROM asset WHERE id = $a", "$a");
        _delete = Prepare("DELETE FROM asset WHERE id = $a", "$a");
        _update = Prepare("UPDATE asset SET uses = $b WHERE id = $a", "$a", "$b");
        _move = Prepare("UPDATE asset SET uses = $b, main = $c, place = $d WHERE id = $a", "$a", "$b", "$c", "$d");
        _next = Prepare($"SELECT id, name, digest, plain FROM asset WHERE id > $a AND {whole} ORDER BY id LIMIT 1", "$a");
        _begin = Prepare("BEGIN IMMEDIATE");
        _commit = Prepare("COMMIT");
        _rollback = Prepare("ROLLBACK");
    }

    /// <summary>One row, without its name.</summary>
    internal readonly record struct Row(ulong Id, int PlainLength, long Place, byte Uses, bool Main);

    /// <summary>One row as the scrub reads it.</summary>
    internal readonly record struct Candidate(ulong Id, byte[] Name, byte[] Digest, int PlainLength);

    /// <summary>Opens or creates the index.</summary>
    /// <param name="path">Its file.</param>
    /// <param name="fingerprint">The key's (<see cref="LocalKey.Fingerprint"/>).</param>
    /// <exception cref="LaterStoreException">It was written by a later version, and is left as it is.</exception>
    /// <exception cref="StoreUnusableException">It was written under another key.</exception>
    public static StoreIndex Open(string path, byte[] fingerprint)
    {
        string source = new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, DefaultTimeout = 5 }.ConnectionString;
        // SQLite gives what it writes beside it the same permissions.
        if (!File.Exists(path)) AtomicFile.Write(path, []);
        SqliteConnection connection = new(source);
        try
        {
            connection.Open();
            string folder = Path.GetDirectoryName(path)!;
            Execute(connection, "PRAGMA locking_mode = EXCLUSIVE");
            // Before anything that would write to it.
            int version = Convert.ToInt32(Execute(connection, "PRAGMA user_version"), CultureInfo.InvariantCulture);
            if (version is < 0 or > Version) throw new LaterStoreException(folder);
            Execute(connection, "PRAGMA journal_mode = WAL");
            Execute(connection, "PRAGMA synchronous = NORMAL");
            Execute(connection, "PRAGMA cache_size = -1024");             // KiB
            Execute(connection, "PRAGMA wal_autocheckpoint = 128");       // pages of 4 KiB
            Execute(connection, "PRAGMA journal_size_limit = 1048576");
            if (version == 0) Create(connection, fingerprint);
            if (Execute(connection, "SELECT fingerprint FROM store") is not byte[] written || !written.AsSpan().SequenceEqual(fingerprint))
                throw new StoreUnusableException($"The store folder {folder} was sealed under another store key: put that key back, or delete the folder.");
            return new StoreIndex(connection);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>The rows whose id begins with the byte <paramref name="shard"/>.</summary>
    public IEnumerable<Row> Rows(byte shard)
    {
        ulong first = (ulong)shard << 56;
        Bind(_rows, (long)first, (long)(first | (ulong.MaxValue >> 8)));
        using SqliteDataReader reader = _rows.ExecuteReader();
        while (reader.Read())
            yield return new Row((ulong)reader.GetInt64(0), reader.GetInt32(1), reader.GetInt64(2), reader.GetByte(3), reader.GetBoolean(4));
    }

    /// <summary>Adds an asset's row.</summary>
    public void Insert(ulong id, byte[] name, int plainLength, byte[] digest, long place, bool main)
    {
        Bind(_insert, (long)id, name, plainLength, digest, place, main);
        _insert.ExecuteNonQuery();
    }

    /// <summary>The 32 bytes of a file's name; null when there is no such row.</summary>
    public byte[]? NameOf(ulong id)
    {
        Bind(_nameOf, (long)id);
        return _nameOf.ExecuteScalar() as byte[];
    }

    /// <summary>Removes a row, if it is there.</summary>
    public void Delete(ulong id)
    {
        Bind(_delete, (long)id);
        _delete.ExecuteNonQuery();
    }

    /// <summary>Writes down uses and places: what moved gets the next places, in this order.</summary>
    public void Update(ReadOnlySpan<S3Fifo.Change> changes, ref long nextPlace)
    {
        foreach (S3Fifo.Change change in changes)
        {
            SqliteCommand command = change.Moved ? _move : _update;
            if (change.Moved) Bind(command, (long)change.Id, change.Uses, change.Main, nextPlace++);
            else Bind(command, (long)change.Id, change.Uses);
            command.ExecuteNonQuery();
        }
    }

    /// <summary>The row after <paramref name="id"/> in the order of ids, signed; null at the end.</summary>
    public Candidate? NextAfter(ulong id)
    {
        Bind(_next, (long)id);
        using SqliteDataReader reader = _next.ExecuteReader();
        if (!reader.Read()) return null;
        return new Candidate((ulong)reader.GetInt64(0), reader.GetFieldValue<byte[]>(1), reader.GetFieldValue<byte[]>(2), reader.GetInt32(3));
    }

    /// <summary>Begins a transaction: what follows is written together at <see cref="Commit"/>.</summary>
    public void Begin() => _begin.ExecuteNonQuery();

    /// <summary>Ends it.</summary>
    public void Commit() => _commit.ExecuteNonQuery();

    /// <summary>Takes it back, as far as the disk still lets it.</summary>
    public void Rollback()
    {
        try
        {
            _rollback.ExecuteNonQuery();
        }
        catch (SqliteException)
        {
            // SQLite has rolled back by itself (disk full, I/O error).
        }
    }

    /// <summary>Moves the write-ahead log into the file and closes it.</summary>
    public void Dispose()
    {
        foreach (SqliteCommand command in (SqliteCommand[])[_rows, _insert, _nameOf, _delete, _update, _move, _next, _begin, _commit, _rollback])
            command.Dispose();
        _connection.Dispose();
    }

    private static void Create(SqliteConnection connection, byte[] fingerprint)
    {
        Execute(connection, $"""
            BEGIN IMMEDIATE;
            CREATE TABLE store(fingerprint BLOB NOT NULL);
            CREATE TABLE asset(
                id     INTEGER PRIMARY KEY,  -- first eight bytes of name, big-endian
                name   BLOB    NOT NULL,     -- 32 bytes; in hex the file's name
                plain  INTEGER NOT NULL,     -- bytes of the plain asset
                digest BLOB    NOT NULL,     -- SHA-256 of the file
                place  INTEGER NOT NULL,     -- order in its queue
                main   INTEGER NOT NULL,     -- 0 small queue, 1 main queue
                uses   INTEGER NOT NULL);
            INSERT INTO store VALUES(x'{Convert.ToHexString(fingerprint)}');
            PRAGMA user_version = {Version};
            COMMIT;
            """);
    }

#pragma warning disable CA2100 // The texts are this file's own.
    private static object? Execute(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }

    private SqliteCommand Prepare(string sql, params ReadOnlySpan<string> parameters)
    {
        SqliteCommand command = _connection.CreateCommand();
        command.CommandText = sql;
        foreach (string name in parameters) command.Parameters.Add(new SqliteParameter { ParameterName = name });
        return command;
    }
#pragma warning restore CA2100

    private static void Bind(SqliteCommand command, params ReadOnlySpan<object> values)
    {
        for (int i = 0; i < values.Length; i++) command.Parameters[i].Value = values[i];
    }
}

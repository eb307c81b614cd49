using Postern.Core.Config;
using Postern.Core.Tables;
using Postern.Native;

namespace Postern.Tables;

/// <summary>The table types that need native code, chance or a server: <see cref="TableTypes"/> continued.</summary>
internal static class HostTableTypes
{
    // What these look at, only Postfix has the code for; its proxymap(8) asks for us (ADR 6).
    private static readonly string[] AskedFromPostfix =
    [
        "dbm", "ldap", "mongodb", "mysql", "netinfo", "nis", "nisplus", "pgsql", "sdbm", "sqlite",
    ];

    /// <summary>The registry for the daemon that this process is, and for all who look at its tables.</summary>
    public static TableHost For(ProcessSettings process) => For(process, isTrial: false);

    /// <summary>The registry for <c>postern check</c>: tables on servers are asked at once, and not waited for.</summary>
    public static TableHost ForTrial(ProcessSettings process) => For(process, isTrial: true);

    private static TableHost For(ProcessSettings process, bool isTrial)
    {
        var socket = $"{process.QueueDirectory}/private/{process.ProxymapServiceName}";
        IReadOnlyList<TableType> types =
        [
            new("environ") { FromArgument = EnvironTable.Parser(Variable) },
            new("lmdb")
            {
                FromArgument = (source, _, out problem) => LmdbTable.Parse(source, process.LmdbMapSize, out problem),
                Rules = source => LmdbTable.Rules(source, process.LmdbMapSize),
                FileSuffix = ".lmdb",
            },
            new("memcache") { FromTables = MemcacheTable.Compose },
            new("pcre")
            {
                FromArgument = PcreDialect.Parse,
                FromFile = PcreDialect.Parse,
                Rules = PcreDialect.Rules,
                DescribeReadProblem = DescribeReadProblem("pcre"),
            },
            new("proxy") { FromArgument = ProxymapTable.Parser(socket, process.Postfix, static source => source.Argument) },
            new("randmap") { FromArgument = RandMapTable.Parser(Random.Shared.Next) },
            new("regexp")
            {
                FromArgument = RegexpDialect.Parse,
                FromFile = RegexpDialect.Parse,
                Rules = RegexpDialect.Rules,
                DescribeReadProblem = DescribeReadProblem("regexp"),
            },
            new("socketmap") { FromArgument = ServerTable.SocketmapParser(process.QueueDirectory, isTrial) },
            new("tcp") { FromArgument = ServerTable.TcpParser(isTrial) },
            new("unix") { FromArgument = UserTable.Parse },
            .. AskedFromPostfix.Select(name =>
                new TableType(name) { FromArgument = ProxymapTable.Parser(socket, process.Postfix, static source => source.Name) }),
        ];
        return new TableHost(types) { Hasten = static table => new BriefTable(table, BriefTable.LoopLimit) };
    }

    // A directory can be opened; it is the reading that fails.
    private static Func<string, string, string> DescribeReadProblem(string type) => (path, reason) =>
        reason == "Is a directory" ? $"{type} map {path}: read error: {reason}" : $"open {path}: {reason}";

    private static string? Variable(string name) =>
        name.Length > 0 && !name.Contains('\0') && Environment.GetEnvironmentVariable(name) is { } value
            ? Latin1.OfText(value) // texts of tables are held a byte a character
            : null;
}

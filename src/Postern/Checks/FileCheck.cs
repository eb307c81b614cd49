using Postern.Core.Config;
using Postern.Native;

namespace Postern.Checks;

/// <summary>Whether the files and folders that the daemon writes to can be had.</summary>
internal static class FileCheck
{
    /// <param name="keeper">Who the daemon becomes; null: nobody else.</param>
    public static IEnumerable<ConfigProblem> Find(Configuration configuration, FileKeeper? keeper)
    {
        var process = configuration.Process!;
        var (data, owner) = (process.DataDirectory, process.MailOwner);
        var isMade = PathTrial.Exists(data);
        if (PathTrial.MakeFolderAndIn(data, isMade ? keeper : null) is { } noData)
            yield return Problem("data_directory", isMade ? $"data_directory {data}: {noData.Text}" : $"cannot make data_directory {data}: {noData.Text}", $"make it for {owner}: install -d -o {owner} -m 0700 {data}");
        if (process.MaillogFile is { } log and not "/dev/stdout" && PathTrial.Append(log, keeper) is { } noLog)
            yield return Problem("maillog_file", $"open maillog_file {log}: {noLog.Text}", "make its folder, or name another file");
        if (process.EventLog is { } events && IsThere(events) && PathTrial.Append(events, keeper) is { } noEvents)
            yield return Problem("postern_event_log", $"open postern_event_log {events}: {noEvents.Text}; it is tried again every second", "write postern_event_log = $data_directory/events, or make its folder");
        if (process.ControlSocket is { } control && FindControlProblem(control) is { } noControl)
            yield return Problem("postern_control_socket", $"postern_control_socket: cannot listen on {control}: {noControl} -- commands will not find this process", "write postern_control_socket = $data_directory/control");
        if (configuration.Services.Any(static service => service.Handoff is HandoffTarget.Receiver) && IsThere(process.ReceiverMaildir) && PathTrial.MakeFolderAndIn(process.ReceiverMaildir, keeper) is { } noMaildir)
            yield return Problem("postern_receiver_maildir", $"cannot use maildir {process.ReceiverMaildir}: {noMaildir.Text} -- clients that pass are told to come back", $"give {owner} the folder, or name another") with
            {
                AtClients = [$"cannot connect to service the built-in receiver: {Errno.Text(Errno.ENOENT)}"],
            };

        // What is in a data_directory that is still to be made is made with it.
        bool IsThere(string path) => isMade || !path.StartsWith(data + "/", StringComparison.Ordinal);

        string? FindControlProblem(string path) =>
            path.Length > SockAddr.MaxUnixPath ? "the path is too long for a UNIX socket"
            : PathTrial.Exists(path) ? PathTrial.IsSocket(path) ? null : "there is a file of that name"
            : IsThere(path) ? PathTrial.MakeIn(PathTrial.FolderOf(path), keeper)?.Text : null;

        ConfigProblem Problem(string parameter, string text, string remedy) =>
            HostCheck.Problem(ProblemSeverity.Degraded, HostCheck.OriginOf(configuration, parameter), text, remedy);
    }
}

using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Postern.Tests.Receiver;

/// <summary>What postscreen does: sends one byte with a descriptor.</summary>
internal static unsafe partial class DescriptorSender
{
    /// <param name="sockets">Usually one.</param>
    public static void Send(Socket channel, params SafeHandle[] sockets)
    {
        byte data = 0;
        var controlLength = 16 + (sockets.Length * 4 + 7) / 8 * 8;
        var control = stackalloc byte[controlLength];
        new Span<byte>(control, controlLength).Clear();
        *(nint*)control = 16 + sockets.Length * 4;
        ((int*)control)[2] = 1; // SOL_SOCKET
        ((int*)control)[3] = 1; // SCM_RIGHTS
        for (var i = 0; i < sockets.Length; i++)
            ((int*)(control + 16))[i] = (int)sockets[i].DangerousGetHandle();
        var vector = stackalloc nint[2] { (nint)(&data), 1 };
        var message = stackalloc nint[7] { 0, 0, (nint)vector, 1, (nint)control, sockets.Length == 0 ? 0 : controlLength, 0 };
        var sent = SendMessage((int)channel.SafeHandle.DangerousGetHandle(), message, 0);
        Assert.True(sent == 1, Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError()));
        GC.KeepAlive(sockets);
        GC.KeepAlive(channel);
    }

    [LibraryImport("libc", EntryPoint = "sendmsg", SetLastError = true)]
    private static partial nint SendMessage(int descriptor, void* message, int flags);
}

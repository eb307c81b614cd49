using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Postern.Receiver;

/// <summary>Takes a descriptor out of a UNIX stream socket (SCM_RIGHTS, unix(7)).</summary>
internal static unsafe partial class DescriptorReceiver
{
    private const int Header = 16; // struct cmsghdr on 64-bit Linux: length (8), level (4), type (4)
    private const int MostDescriptors = 4; // one is expected; more are taken only to be closed
    private const int ControlLength = Header + MostDescriptors * sizeof(int);
    private const int SocketLevel = 1; // SOL_SOCKET
    private const int Rights = 1; // SCM_RIGHTS
    private const int ControlTruncated = 0x08; // MSG_CTRUNC
    private const int DoNotWait = 0x40; // MSG_DONTWAIT
    private const int CloseOnExec = 0x4000_0000; // MSG_CMSG_CLOEXEC
    private const int Interrupted = 4; // EINTR

    /// <summary>Reads the one byte that carries the descriptor. The channel must be readable: this does not wait.</summary>
    /// <returns>The client's socket; null when none came, or something that is not a connected TCP socket.</returns>
    public static Socket? Take(Socket channel, out string? problem)
    {
        Span<int> descriptors = stackalloc int[MostDescriptors];
        var count = Receive(channel, descriptors, out problem);
        if (count != 1)
        {
            foreach (var extra in descriptors[..count])
                _ = CloseDescriptor(extra);
            problem ??= count == 0 ? "no descriptor in the message" : "more than one descriptor";
            return null;
        }

        SafeSocketHandle handle = new(descriptors[0], ownsHandle: true);
        try
        {
            var socket = new Socket(handle);
            if (socket is { SocketType: SocketType.Stream, AddressFamily: AddressFamily.InterNetwork or AddressFamily.InterNetworkV6 })
                return socket;
            socket.Dispose();
        }
        catch (Exception refusal) when (refusal is SocketException or ArgumentException)
        {
            handle.Dispose();
        }

        problem = "not a TCP socket";
        return null;
    }

    private static int Receive(Socket channel, Span<int> descriptors, out string? problem)
    {
        problem = null;
        var added = false;
        try
        {
            channel.SafeHandle.DangerousAddRef(ref added);
            byte data;
            var control = stackalloc byte[ControlLength];
            new Span<byte>(control, ControlLength).Clear();
            var vector = new Vector { Base = &data, Length = 1 };
            var message = new Message { Vectors = &vector, VectorCount = 1, Control = control, ControlLength = ControlLength };
            nint length;
            do
                length = ReceiveMessage((int)channel.SafeHandle.DangerousGetHandle(), &message, DoNotWait | CloseOnExec);
            while (length < 0 && Marshal.GetLastPInvokeError() == Interrupted);

            if (length < 0)
            {
                problem = Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError());
                return 0;
            }

            if (length == 0)
                problem = "end of file";
            if (message.ControlLength < Header || *(int*)(control + 8) != SocketLevel || *(int*)(control + 12) != Rights)
                return 0;
            if ((message.Flags & ControlTruncated) != 0)
                problem = "more than one descriptor";
            var count = (int)(*(nuint*)control - Header) / sizeof(int);
            new ReadOnlySpan<int>(control + Header, count).CopyTo(descriptors);
            return count;
        }
        finally
        {
            if (added)
                channel.SafeHandle.DangerousRelease();
        }
    }

    /// <summary>struct iovec.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Vector
    {
        public byte* Base;
        public nuint Length;
    }

    /// <summary>struct msghdr of glibc, 64 bits.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Message
    {
        public void* Name;
        public uint NameLength;
        public Vector* Vectors;
        public nuint VectorCount;
        public byte* Control;
        public nuint ControlLength;
        public int Flags;
    }

    [LibraryImport("libc", EntryPoint = "recvmsg", SetLastError = true)]
    private static partial nint ReceiveMessage(int descriptor, Message* message, int flags);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int CloseDescriptor(int descriptor);
}
